"""Prepares a sound for an evaluation model's front end: one channel, its sample rate, windows."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from ...audio.resample import resample
from ...errors import AudioError
from ...types import Waveform

__all__ = ["cut", "mono"]

LEFT_OVER = 0.1
"""Share of a window that may be dropped at the end, so that a sound a few samples longer than a window has only one."""


def mono(waveform: Waveform, sample_rate: int) -> Float[Tensor, " samples"]:
    """The mean of the channels in float32 on the CPU, at `sample_rate` hertz.

    Raises:
        AudioError: several sounds or none, no samples, or samples that are not finite.
    """
    batch, channels, length = waveform.samples.shape
    if batch != 1 or not channels or not length:
        raise AudioError(
            f"{batch} sounds of {channels} channels and {length} samples",
            "one sound with samples",
            "Pass sounds one by one, without empty ones.",
        )
    samples = waveform.samples[0].detach().cpu().float()
    if not samples.isfinite().all():
        raise AudioError("samples that are NaN or infinite", "finite samples", "Compose or read the sound again.")
    return resample(samples.mean(0), waveform.sample_rate, sample_rate)


def cut(samples: Float[Tensor, " samples"], length: int) -> list[Float[Tensor, " window"]]:
    """The fewest windows of `length` samples that cover the sound, evenly spaced and overlapping where necessary.

    Up to a tenth of a window may be left over at the end. A sound shorter than a window is returned whole.
    """
    room = max(len(samples) - length, 0)
    count = max(math.ceil(room / length - LEFT_OVER), 0)
    starts = [round(index * room / count) for index in range(count + 1)] if count else [0]
    return [samples[start : start + length] for start in starts]
