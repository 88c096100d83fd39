"""One channel of a sound at the rate of a network's front end."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from ..errors import AudioError
from ..types import Waveform
from .resample import resample

__all__ = ["mono"]


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
