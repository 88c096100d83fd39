"""Fits the closure of the gap between pictures and sounds in a joint space, for aligners that are trained on sounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ...aligners.gap import GapClosure

__all__ = ["CLOSURES", "Gap", "calibrated", "shifted"]

Gap = Literal["none", "shift", "calibrated"]

STRENGTHS = (1e-3, 1e-2, 0.1, 1.0, 10.0)
"""Penalties among which the calibration chooses, in mean variances of a direction."""


def shifted(pictures: Float[Tensor, "some dim"], sounds: Float[Tensor, "others dim"]) -> GapClosure:
    """The shift by the difference of the means of two unpaired sets (Liang et al. 2022, arXiv 2203.02053)."""
    return GapClosure.of(sounds.mean(0) - pictures.mean(0))


def calibrated(pictures: Float[Tensor, "pairs dim"], sounds: Float[Tensor, "pairs dim"]) -> GapClosure:
    """The affine map of pictures to their sounds with the smallest squared error, by ridge regression.

    The penalty pulls the matrix to the identity, because there are fewer pairs than directions: those that no pair shows stay as they
    are, after the shift. It is the one with the smallest error in leave-one-out cross-validation.

    Args:
        pictures: embeddings of at least 2 artworks.
        sounds: those of their music.
    """
    inputs, wanted = pictures.double(), sounds.double()
    mean, centre = inputs.mean(0), wanted.mean(0)
    inputs, rest = inputs - mean, wanted - centre - (inputs - mean)
    vectors, values, directions = torch.linalg.svd(inputs, full_matrices=False)
    variance = values.square().sum() / len(mean)
    penalties = [strength * variance for strength in STRENGTHS]
    errors = [_left_out(vectors, values, rest, penalty) for penalty in penalties]
    penalty = penalties[int(torch.stack(errors).argmin())]
    change = directions.T @ torch.diag(values / (values.square() + penalty)) @ vectors.T @ rest
    weight = torch.eye(len(mean), dtype=torch.double) + change.T
    return GapClosure.of((centre - weight @ mean).float(), weight.float())


def _left_out(
    vectors: Float[Tensor, "pairs rank"],
    values: Float[Tensor, " rank"],
    rest: Float[Tensor, "pairs dim"],
    penalty: Tensor,
) -> Tensor:
    """The mean squared error of pairs that are left out of a ridge regression, by its leverages."""
    shares = values.square() / (values.square() + penalty)
    leverage = (vectors.square() * shares).sum(1) + 1 / len(rest)
    errors = rest - vectors @ (shares[:, None] * (vectors.T @ rest))
    return (errors / (1 - leverage).clamp(min=1e-6)[:, None]).square().mean()


CLOSURES: Mapping[Gap, Callable[[Tensor, Tensor], GapClosure]] = MappingProxyType(
    {"shift": shifted, "calibrated": calibrated}
)
"""The closure by name, from embeddings of artworks and of sounds; those of pairs for `calibrated`."""
