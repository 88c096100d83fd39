"""Weights of the diffusion loss by noise level, and the loss by bands of noise levels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ...diffusion.levels import NoiseLevels

__all__ = ["WEIGHTINGS", "Weighting", "by_bands"]

Weighting = Literal["uniform", "min-snr"]

BANDS = 4


def _uniform(levels: NoiseLevels, t: Int[Tensor, " batch"], gamma: float) -> Float[Tensor, " batch"]:  # noqa: ARG001
    return torch.ones(len(t), device=t.device)


def _min_snr(levels: NoiseLevels, t: Int[Tensor, " batch"], gamma: float) -> Float[Tensor, " batch"]:
    """Hang et al. 2023, "Efficient Diffusion Training via Min-SNR Weighting Strategy", arXiv 2303.09556.

    The weight min(SNR, gamma) of the error of the clean latent is min(SNR, gamma) / SNR for that of the noise, and
    min(SNR, gamma) / (SNR + 1) for that of the velocity.
    """
    share = levels.alphas_cumprod.to(t.device)[t]
    snr = share / (1 - share)
    return snr.clamp(max=gamma) / (snr + 1 if levels.prediction == "v_prediction" else snr)


WEIGHTINGS: Mapping[Weighting, Callable[[NoiseLevels, Tensor, float], Tensor]] = MappingProxyType(
    {"uniform": _uniform, "min-snr": _min_snr}
)
"""Weight of each example by name, from the noise levels, its level and gamma."""


def by_bands(losses: Float[Tensor, " batch"], t: Int[Tensor, " batch"], count: int) -> dict[str, Tensor]:
    """The mean loss of the examples in each quarter of `count` noise levels; NaN where there is none."""
    bounds = [count * band // BANDS for band in range(BANDS + 1)]
    means = {}
    for first, end in pairwise(bounds):
        inside = (t >= first) & (t < end)
        means[f"loss t {first}-{end - 1}"] = (losses.detach() * inside).sum() / inside.sum()
    return means
