"""The plans of a dataset's pieces, which denoisers are told and plan models learn to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor

from ...conditioning.plan import CENTRE, PlanModel
from ...errors import DatasetError
from ...types import BANDS, Plan
from ..features.dataset import Dataset

__all__ = ["READING", "UNPLANNED", "Plans", "bands_of", "spread_of"]

UNPLANNED = 0.6
"""Share of the examples without an embedding that have no plan either."""

READING = 0.1
"""Weight of the error of reading the plan, beside that of denoising."""


@dataclass(frozen=True)
class Plans:
    """The plans of the pieces of all pairs.

    Attributes:
        steps: beats in a latent frame; 0 without a tempo.
        keys: as :attr:`~art2mus_core.types.Plan.key`.
        bands: index of the band; -1 if not known.
        frames: latent frames of the whole piece.
    """

    steps: Float32[np.ndarray, " pairs"]
    keys: Int[np.ndarray, " pairs"]
    bands: Int[np.ndarray, " pairs"]
    frames: Int[np.ndarray, " pairs"]

    @classmethod
    def of(cls, data: Dataset, frames: Int[np.ndarray, " pairs"], rate: float, bands: Sequence[str]) -> Plans:
        """The plans of a dataset, for `rate` latent frames per second; bands are known by their names."""
        return cls(
            np.array([(pair.tempo or 0.0) / 60 / rate for pair in data.pairs], np.float32),
            np.array([-1 if pair.key is None else pair.key for pair in data.pairs]),
            np.array([bands.index(pair.band) if pair.band in bands else -1 for pair in data.pairs]),
            frames,
        )

    def __call__(self, rows: Int[np.ndarray, " size"], first: Float[np.ndarray, " size"]) -> Plan:
        """The plans of pairs, for latents that begin with the frames `first` of their pieces."""
        places = (self.steps[rows], first, self.frames[rows])
        step, start, length = (torch.from_numpy(place.astype(np.float32)) for place in places)
        return Plan(step, start, length, *(torch.from_numpy(told[rows]) for told in (self.keys, self.bands)))


def bands_of(data: Dataset) -> list[str]:
    """The names of the bands in a dataset.

    Raises:
        DatasetError: more than a plan has channels for.
    """
    found = sorted({pair.band for pair in data.pairs if pair.band})
    if len(found) > BANDS:
        raise DatasetError(
            f"{len(found)} bands in the manifest ({', '.join(found[:3])}, ...)",
            f"at most {BANDS}, which a denoiser with a plan can tell apart",
            "Merge similar ones, or leave the column band empty.",
        )
    return found


def spread_of(
    model: PlanModel, language: Float[Tensor, "batch language width"], steps: Float[Tensor, " batch"], rate: float
) -> float:
    """The standard deviation of tempos, in octaves, about those that are read; 0 if no piece has one."""
    timed = steps > 0
    octaves = (steps[timed] * rate * 60 / CENTRE).log2() - model.read(language).octaves[timed]
    return float(octaves.std(correction=0)) if timed.any() else 0.0
