"""The plan as input of the denoiser: the phase of every latent frame in beats, bars and phrases, its distance from both ends, the key and the band.

A convolution cannot count, so a denoiser that sees only a latent loses the pulse of its music within a few frames; one that hears of its
key through attention alone often plays in another. These channels stand beside those of the latent. The key's are for
spectrograms with a bin for each semitone from a C on, of which a row of the latent holds eight.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ..types import BANDS, Plan

__all__ = [
    "CHANNELS",
    "METRE_CHANNELS",
    "PERIODS",
    "SEMITONES",
    "key_channels",
    "metre_channels",
    "plan_beside",
    "with_plan",
]

PERIODS = (0.5, 1.0, 2.0, 3.0, 4.0, 12.0, 16.0)
"""In beats: an eighth, a beat, two, and bars and phrases of four bars in three-four and four-four time."""

ENDS = 4.0
"""Beats over which the nearness of an end falls to 1/e."""

SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10, 11))
"""Semitones above the tonic in major, and in minor with both sevenths."""

TRIADS = ((0, 4, 7), (0, 3, 7))

SEMITONES = 8
"""Mel bins in a row of the latent."""

METRE_CHANNELS = 2 * len(PERIODS) + 2
"""Cosine and sine for each period, the nearness of the beginning and of the end."""

CHANNELS = METRE_CHANNELS + 2 * SEMITONES + BANDS
"""Those of the metre; for each semitone of a row, whether it is in the scale and whether in the tonic triad; for each band, whether it
plays."""


def metre_channels(plan: Plan, count: int) -> Float[Tensor, "batch channels frames"]:
    """The metre's channels of the middles of `count` frames; all 0 for music without metre."""
    step, first, frames = (each.float()[:, None] for each in (plan.step, plan.first, plan.frames))
    at = first + torch.arange(count, device=step.device) + 0.5
    periods = torch.tensor(PERIODS, device=step.device)[None, :, None]
    turns = 2 * math.pi * (at * step)[:, None] / periods
    near = torch.stack([at, (frames - at).clamp(min=0)], dim=1) * step[:, None] / -ENDS
    return torch.cat([turns.cos(), turns.sin(), near.exp()], dim=1) * (step > 0)[:, None]


def key_channels(plan: Plan, count: int) -> Float[Tensor, "batch channels rows"]:
    """The key's channels of the `count` lowest rows; all 0 for music without key."""
    key = plan.key.long()
    tones = torch.arange(SEMITONES * count, device=key.device).view(count, SEMITONES)
    above = (tones - key[:, None, None]) % 12
    minor = (key >= 12)[:, None, None]
    member = [torch.where(minor, _among(above, low), _among(above, high)) for high, low in (SCALES, TRIADS)]
    return torch.cat(member, dim=-1).movedim(-1, 1) * (key >= 0)[:, None, None].float()


def _among(tones: Tensor, chosen: tuple[int, ...]) -> Tensor:
    return torch.isin(tones, torch.tensor(chosen, device=tones.device))


def plan_beside(
    x: Float[Tensor, "batch _c frames rows"], plan: Plan | None
) -> Float[Tensor, "batch channels frames rows"]:
    """The plan's channels for latents `x`: the metre's are the same in all rows, the key's in all frames, the band's in both; all 0 without a plan."""
    count, _, frames, rows = x.shape
    if plan is None:
        return x.new_zeros(1, 1, 1, 1).expand(count, CHANNELS, frames, rows)
    metre = metre_channels(plan, frames)[..., None].expand(-1, -1, -1, rows)
    key = key_channels(plan, rows)[:, :, None].expand(-1, -1, frames, -1)
    band = (plan.band[:, None] == torch.arange(BANDS, device=plan.band.device)).float()[..., None, None]
    return torch.cat([metre, key, band.expand(-1, -1, frames, rows)], dim=1).to(x)


def with_plan(
    x: Float[Tensor, "batch channels frames rows"], plan: Plan | None
) -> Float[Tensor, "batch more frames rows"]:
    """Latents with the plan's channels."""
    return torch.cat([x, plan_beside(x, plan)], dim=1)
