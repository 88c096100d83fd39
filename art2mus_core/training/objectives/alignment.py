"""The direct alignment term: the language of audio of an artwork should be that of its music.

The diffusion loss is noisy, and each step needs a pass through the UNet. This term is cheap even for hundreds of pairs per step and
determines the coarse result, which the diffusion loss refines. The language of audio to reach is that of the prior's head for sounds:
the projection head of the stage `prior`, or a published prior's projection model with CLAP's embedding of the music, see :mod:`.heads`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from ...configuration import Fields
from ..processes import gathered
from .embedding import info_nce

__all__ = ["ALIGNMENTS", "AlignmentFields"]


class AlignmentFields(Fields):
    """The alignment term of the stage `aligner`.

    Attributes:
        kind: `variance`, `cosine` or `infonce`, see :data:`ALIGNMENTS`.
        weight: its weight beside the diffusion loss.
        pairs: number of pairs per step, of all processes together.
        temperature: temperature of `infonce`.
    """

    kind: Literal["variance", "cosine", "infonce"] = "variance"
    weight: float = Field(gt=0)
    pairs: int = Field(default=256, ge=2)
    temperature: float = Field(default=0.07, gt=0)


Languages = Float[Tensor, "batch values"]

SAME = 1e-8
"""Variance, relative to the mean square, up to which languages of audio differ by rounding alone."""


def _variance(found: Languages, wanted: Languages, temperature: float) -> Tensor:  # noqa: ARG001
    """Squared error, relative to the variance of the music's; 0 for sounds that are all the same, which have none."""
    error, everything = (found - wanted).square().mean(), gathered(wanted)
    variance = everything.var(0).mean()
    if variance <= SAME * everything.square().mean():
        return 0 * error
    return error / variance


def _cosine(found: Languages, wanted: Languages, temperature: float) -> Tensor:  # noqa: ARG001
    """One minus the cosine similarity, both less the mean of the music's, to which all languages of audio are similar."""
    mean = gathered(wanted).mean(0)
    return 1 - F.cosine_similarity(found - mean, wanted - mean, dim=-1).mean()


def _infonce(found: Languages, wanted: Languages, temperature: float) -> Tensor:
    """Symmetric cross-entropy of matching artworks and music within the step (van den Oord et al. 2018; Radford et al. 2021)."""
    mean = gathered(wanted).mean(0)
    return info_nce(F.normalize(found - mean, dim=-1), F.normalize(wanted - mean, dim=-1), temperature)


ALIGNMENTS: Mapping[str, Callable[[Tensor, Tensor, float], Tensor]] = MappingProxyType(
    {"variance": _variance, "cosine": _cosine, "infonce": _infonce}
)
"""The term by kind, from the languages of artworks and of their music, one row each, and the temperature."""
