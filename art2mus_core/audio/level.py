"""Finishes music: removes the DC offset, fades the ends and prevents clipping."""

from __future__ import annotations

import math

import torch

from ..errors import AudioError
from ..types import Waveform

__all__ = ["CEILING", "finish"]

CEILING = 10 ** (-1 / 20)
"""-1 dBFS."""

FADE = 0.008
"""Length of each fade in seconds, at most half of the piece."""


def finish(waveform: Waveform) -> Waveform:
    """Remove the mean, fade both ends, and attenuate each piece that peaks above -1 dBFS.

    Never amplifies: loudness is part of the music for an artwork.

    Raises:
        AudioError: samples that are NaN or infinite.
    """
    samples = waveform.samples
    if not torch.isfinite(samples).all():
        raise AudioError(
            "music with NaN or infinite samples",
            "finite samples",
            "Compose again in float32, or with a lower guidance.",
        )
    length = samples.shape[-1]
    if length == 0:
        return waveform
    centred = samples - samples.mean(-1, keepdim=True)
    fade = min(round(FADE * waveform.sample_rate), length // 2)
    ramp = 0.5 - 0.5 * torch.cos(
        math.pi * torch.arange(fade, dtype=samples.dtype, device=samples.device) / max(fade, 1)
    )
    steady = torch.ones(length - 2 * fade, dtype=samples.dtype, device=samples.device)
    faded = centred * torch.cat([ramp, steady, ramp.flip(0)])
    peak = faded.abs().amax((-2, -1), keepdim=True)
    return Waveform(faded * (CEILING / peak.clamp(min=CEILING)), waveform.sample_rate)
