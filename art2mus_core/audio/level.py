"""Level of music: removes the DC offset, fades the ends and keeps peaks below a ceiling, by attenuation or by a limiter."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch.nn import functional as F

from ..errors import AudioError
from ..types import Waveform

__all__ = ["CEILING", "finish", "limit", "settle"]

CEILING = 10 ** (-1 / 20)
"""-1 dBFS."""

FADE = 0.008
"""Length of each fade in seconds, at most half of the piece."""

BLOCK, REACH = 0.001, 25
"""The limiter's time step in seconds, and the steps by which it acts before and after a peak: half a period of 20 Hz, so that it does
not follow the single waves of a tone."""


def finish(waveform: Waveform) -> Waveform:
    """Remove the mean, fade both ends, and attenuate each piece that peaks above -1 dBFS; never amplifies.

    Raises:
        AudioError: samples that are NaN or infinite.
    """
    settled = settle(waveform)
    if settled.samples.shape[-1] == 0:
        return settled
    peak = settled.samples.abs().amax((-2, -1), keepdim=True)
    return replace(settled, samples=settled.samples * (CEILING / peak.clamp(min=CEILING)))


def settle(waveform: Waveform) -> Waveform:
    """Remove the mean and fade both ends.

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
    return replace(waveform, samples=centred * torch.cat([ramp, steady, ramp.flip(0)]))


def limit(waveform: Waveform) -> Waveform:
    """Turn all channels down around each peak above -1 dBFS, by a look-ahead limiter.

    The gain is the least that any peak within `REACH` allows, smoothed by a Hann window of the same length: it reaches what a peak
    needs before the peak, and changes too slowly to be heard as distortion.
    """
    samples = waveform.samples
    length = samples.shape[-1]
    if length == 0 or samples.abs().max() <= CEILING:
        return waveform
    size = max(1, round(BLOCK * waveform.sample_rate))
    peaks = F.pad(samples.abs().amax(-2, keepdim=True), (0, -length % size)).unflatten(-1, (-1, size)).amax(-1)
    allowed = F.pad(CEILING / peaks.clamp(min=CEILING), (2 * REACH + 1, 2 * REACH + 1), value=1.0)
    least = -F.max_pool1d(-allowed, 2 * REACH + 3, stride=1)  # a step further than the window: gains are interpolated
    window = torch.hann_window(2 * REACH + 3, periodic=False, dtype=samples.dtype, device=samples.device)[1:-1]
    smooth = F.conv1d(least, (window / window.sum())[None, None])
    gain = F.interpolate(smooth, size=smooth.shape[-1] * size, mode="linear", align_corners=False)[..., :length]
    return replace(waveform, samples=(samples * gain).clamp(-CEILING, CEILING))
