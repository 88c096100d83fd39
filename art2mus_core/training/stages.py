"""Which objective belongs to which stage, and where each takes its sizes from."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import torch

from ..types import AudioGrid, OnStep
from .config import TrainingConfig
from .features import Dataset
from .grids import checkpoint_grid, latent_grid, mel_grid
from .objective import Objective

__all__ = ["OBJECTIVES", "stage_builder"]


class Row(NamedTuple):
    """Where a stage's objective is, and what its sizes follow from."""

    module: str
    name: str
    grid: Callable[[TrainingConfig, Path], AudioGrid]


OBJECTIVES: dict[str, Row] = {
    "embedding": Row("embedding", "EmbeddingObjective", mel_grid),
    "vae": Row("vae", "VaeObjective", mel_grid),
    "vocoder": Row("vocoder", "VocoderObjective", mel_grid),
    "prior": Row("prior", "PriorObjective", latent_grid),
    "aligner": Row("aligner", "AlignerObjective", checkpoint_grid),
}


def stage_builder(
    config: TrainingConfig,
    data: Path,
    checkpoint: Path,
    on_step: OnStep | None = None,
    *,
    device: torch.device | None = None,
) -> Callable[[], Objective]:
    """A function that makes the objective of a stage from a dataset folder and the checkpoint folder it adds to.

    Features that are not there yet are computed on `device` when it is called.
    """
    row = OBJECTIVES[config.stage]

    def build() -> Objective:
        objective: type[Objective] = getattr(import_module(f"{__package__}.objectives.{row.module}"), row.name)
        dataset = Dataset(data, row.grid(config, checkpoint), on_step)
        return objective(dataset, config, checkpoint, device or torch.device("cpu"))

    return build
