"""What every embedder does to a sound before its own front end: one channel, one rate, windows."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from ...audio.resample import resample
from ...errors import AudioError
from ...types import Waveform

__all__ = ["cut", "mono"]

UNHEARD = 0.1
"""Share of a window that may stay unheard at the end: a sound a few samples longer than a window has one."""


def mono(waveform: Waveform, sample_rate: int) -> Float[Tensor, " samples"]:
    """The mean of the channels in float32 on the CPU, at `sample_rate` hertz.

    Raises:
        AudioError: several sounds or none, no samples, or samples that are not finite.
    """
    batch, channels, length = waveform.samples.shape
    if batch != 1 or not channels or not length:
        raise AudioError(
            f"{batch} sounds of {channels} channels and {length} samples",
            "one sound with samples in it",
            "Give the sounds one by one, and leave out empty ones.",
        )
    samples = waveform.samples[0].detach().cpu().float()
    if not samples.isfinite().all():
        raise AudioError("samples that are NaN or infinite", "finite samples", "Make or read the sound again.")
    return resample(samples.mean(0), waveform.sample_rate, sample_rate)


def cut(samples: Float[Tensor, " samples"], length: int) -> list[Float[Tensor, " window"]]:
    """Windows of `length` samples, as few as hear the whole sound, spread evenly over it; they overlap where they must.

    Up to a tenth of a window may stay unheard at the end. A sound shorter than a window is one, as short as it is.
    """
    room = max(len(samples) - length, 0)
    count = max(math.ceil(room / length - UNHEARD), 0)
    starts = [round(index * room / count) for index in range(count + 1)] if count else [0]
    return [samples[start : start + length] for start in starts]
