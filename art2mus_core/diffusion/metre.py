"""Metre as input of the denoiser: the phase of every latent frame in beats, bars and phrases, and its distance from both ends.

A convolution cannot count, so a denoiser that sees only a latent loses the pulse of its music within a few frames. These channels
stand beside those of the latent.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ..types import Metre

__all__ = ["CHANNELS", "PERIODS", "metre_beside", "metre_channels", "with_metre"]

PERIODS = (0.5, 1.0, 2.0, 3.0, 4.0, 12.0, 16.0)
"""In beats: an eighth, a beat, two, and bars and phrases of four bars in three-four and four-four time."""

ENDS = 4.0
"""Beats over which the nearness of an end falls to 1/e."""

CHANNELS = 2 * len(PERIODS) + 2
"""Cosine and sine for each period, and the nearness of the beginning and of the end."""


def metre_channels(metre: Metre, count: int) -> Float[Tensor, "batch channels frames"]:
    """The channels of the middles of `count` frames; all 0 for music without metre."""
    step, first, frames = (each.float()[:, None] for each in (metre.step, metre.first, metre.frames))
    at = first + torch.arange(count, device=step.device) + 0.5
    periods = torch.tensor(PERIODS, device=step.device)[None, :, None]
    turns = 2 * math.pi * (at * step)[:, None] / periods
    near = torch.stack([at, (frames - at).clamp(min=0)], dim=1) * step[:, None] / -ENDS
    return torch.cat([turns.cos(), turns.sin(), near.exp()], dim=1) * (step > 0)[:, None]


def metre_beside(
    x: Float[Tensor, "batch _c frames rows"], metre: Metre | None
) -> Float[Tensor, "batch channels frames rows"]:
    """The metre's channels for latents `x`, the same in all rows; all 0 without a metre."""
    count, _, frames, rows = x.shape
    channels = x.new_zeros(count, CHANNELS, frames) if metre is None else metre_channels(metre, frames).to(x)
    return channels[..., None].expand(-1, -1, -1, rows)


def with_metre(
    x: Float[Tensor, "batch channels frames rows"], metre: Metre | None
) -> Float[Tensor, "batch more frames rows"]:
    """Latents with the metre's channels."""
    return torch.cat([x, metre_beside(x, metre)], dim=1)
