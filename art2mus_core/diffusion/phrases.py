"""Noise laid out by bars and phrases, so that music has a form: a motif that returns, phrases that return, and a contrast.

A denoiser that learnt from crops of a few seconds knows where in a phrase a frame is, but not what was played before. What it makes of equal
conditions follows its noise, so a bar returns where the noise of its first appearance does.
"""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor, arange, where

from ..types import Plan

__all__ = ["form_of", "lay_out", "sources"]

BAR = 4.0
"""Beats in a bar of four-four time."""

PHRASE, SLOW_PHRASE = (0, 1, 0, 1), (0, 0, 2, 0)
"""The bars of a phrase: for each, which of them it repeats. A motif of two bars and its repetition; in slow music a bar, its
repetition, a contrast and the bar again."""

LONGEST = 5.5
"""Seconds of two bars above which music is slow: a listener recalls what was played a few seconds ago."""

CODA = 4.0
"""Beats at the end with noise of their own, so that the last phrase can end in another way than those before."""

LEAST = 0.25
"""Part of a phrase that counts as one at the end of a piece."""


def form_of(count: int) -> str:
    """A letter for each of `count` phrases: pairs of A and B in turn, and A at the end; ABA, AABA, AABBA, AABBAA, ABBAABA."""
    pairs = count + (count % 4 == 3)
    return (("AABB" * pairs)[: pairs - 1] + "A")[pairs - count :]


def sources(frames: int, step: float, rate: float) -> Int[Tensor, " frames"]:
    """For each frame of a piece the frame whose noise it repeats, or itself.

    A bar that returns, in its own phrase or in another phrase of its letter, repeats the frames nearest to the same phase. A remainder of
    `LEAST` or more is a phrase; a shorter one after the first phrase, and the last `CODA` beats, repeat nothing.

    Args:
        frames: latent frames of the piece.
        step: beats in a frame; 0 for music without metre.
        rate: frames per second.
    """
    own = arange(frames)
    at, phrase = (own + 0.5) * step, PHRASE if LONGEST * rate * step >= 2 * BAR else SLOW_PHRASE
    bar, bars = (at / BAR).long(), len(phrase)
    form = form_of(max(1, int(frames * step / (bars * BAR) + 1 - LEAST)))
    found = own.clone()
    for index in range(bars * len(form)):
        first = bars * form.index(form[index // bars]) + phrase[index % bars]
        here, there = own[bar == index], own[bar == first]
        if first < index and len(here):
            nearest = (here - (index - first) * BAR / step).round().long()
            found[here] = nearest.clamp(int(there[0]), int(there[-1]))
    return where(at > frames * step - CODA, own, found)


def lay_out(
    noise: Float[Tensor, "batch channels frames rows"], plan: Plan, reprise: float, rate: float
) -> Float[Tensor, "batch channels frames rows"]:
    """Noise in which bars and phrases return; every value stays standard normal.

    Nothing is interpolated, which would lower the variance. The first bars keep their noise, and with it the tempo that is read from
    it (see :class:`~art2mus_core.conditioning.plan.PlanModel`).

    Args:
        noise: of whole pieces, standard normal.
        plan: of these pieces.
        reprise: share of a returning bar's power that is its first appearance's, 0 to 1.
        rate: latent frames per second.
    """
    pieces = noise.clone()
    for piece, drawn, step in zip(pieces, noise, plan.step.tolist(), strict=True):
        found = sources(noise.shape[2], step, rate).to(noise.device)
        returns = found != arange(noise.shape[2], device=noise.device)
        again, own = drawn[:, found[returns]], drawn[:, returns]
        piece[:, returns] = reprise**0.5 * again + (1 - reprise) ** 0.5 * own
    return pieces
