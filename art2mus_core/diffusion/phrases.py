"""Noise laid out by phrases, so that music of several phrases has a form: phrases that return, and a contrast.

A denoiser that learnt from crops of a few seconds knows where in a phrase a frame is, but not what the phrase before was like. What
it makes of equal conditions follows its noise, so a phrase returns where the noise of its first appearance does.
"""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor, arange, where

from ..types import Plan
from .plan import PERIODS

__all__ = ["form_of", "lay_out", "sources"]

PHRASE = PERIODS[-1]
"""Beats in a phrase: four bars in four-four time."""

CODA = 4.0
"""Beats at the end with noise of their own, so that the last phrase can end in another way than those before."""

LEAST = 0.75
"""Part of a phrase that counts as one at the end of a piece."""


def form_of(count: int) -> str:
    """A letter for each of `count` phrases: pairs of A and B in turn, and A at the end; ABA, AABA, AABBA, AABBAA, ABBAABA."""
    pairs = count + (count % 4 == 3)
    return (("AABB" * pairs)[: pairs - 1] + "A")[pairs - count :]


def sources(frames: int, step: float) -> Int[Tensor, " frames"]:
    """For each frame of a piece the frame whose noise it repeats, or itself.

    A frame of a returning phrase repeats the frame nearest to the same phase in the first phrase of its letter. A remainder of
    `LEAST` or more is a phrase; a shorter one, the last `CODA` beats, and pieces of less than two phrases repeat nothing.

    Args:
        frames: latent frames of the piece.
        step: beats in a frame; 0 for music without metre.
    """
    own = arange(frames)
    length = frames * step / PHRASE
    if length < 2:
        return own
    form = form_of(int(length + 1 - LEAST))
    phrase = ((own + 0.5) * step / PHRASE).long()
    found = own.clone()
    for index, letter in enumerate(form):
        first = form.index(letter)
        here, there = own[phrase == index], own[phrase == first]
        nearest = (here - (index - first) * PHRASE / step).round().long()
        found[here] = nearest.clamp(int(there[0]), int(there[-1]))
    return where((own + 0.5) * step > frames * step - CODA, own, found)


def lay_out(
    noise: Float[Tensor, "batch channels frames rows"], plan: Plan, reprise: float
) -> Float[Tensor, "batch channels frames rows"]:
    """Noise in which phrases return; every value stays standard normal.

    Nothing is interpolated, which would lower the variance. The first phrase keeps its noise, and with it the tempo that is read from
    it (see :class:`~art2mus_core.conditioning.plan.PlanModel`).

    Args:
        noise: of whole pieces, standard normal.
        plan: of these pieces.
        reprise: share of a returning phrase's power that is its first appearance's, 0 to 1.
    """
    pieces = noise.clone()
    for piece, drawn, step in zip(pieces, noise, plan.step.tolist(), strict=True):
        found = sources(noise.shape[2], step).to(noise.device)
        returns = found != arange(noise.shape[2], device=noise.device)
        again, own = drawn[:, found[returns]], drawn[:, returns]
        piece[:, returns] = reprise**0.5 * again + (1 - reprise) ** 0.5 * own
    return pieces
