"""Resamples by truncating or zero-padding the spectrum of the whole signal."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import AudioError
from .transforms import fast_length

__all__ = ["resample"]

PASSBAND = 0.92
"""Passband as a share of the lower Nyquist frequency; a raised cosine falls from there to the Nyquist frequency."""

MARGIN = 0.05
"""Seconds of zero padding at both ends: the transform is cyclic, and the end must not ring into the beginning."""


def resample(
    samples: Float[Tensor, "*batch samples"], from_rate: int, to_rate: int
) -> Float[Tensor, "*batch resampled"]:
    """Resample: N samples become ceil(N x to_rate / from_rate).

    Any pair of integer rates costs about one Fourier transform each way.

    Raises:
        AudioError: a rate below 1 Hz.
    """
    if from_rate < 1 or to_rate < 1:
        raise AudioError(f"sample rates {from_rate} and {to_rate}", "rates of at least 1 Hz", "Check the sound's rate.")
    length = samples.shape[-1]
    if from_rate == to_rate or length == 0:
        return samples
    common = math.gcd(from_rate, to_rate)
    old, new = from_rate // common, to_rate // common
    # margins and padded length are multiples of `old` samples, so they stay integers at the new rate
    before = math.ceil(MARGIN * from_rate / old)
    blocks = fast_length(2 * before + math.ceil(length / old))
    padded = torch.nn.functional.pad(samples, (before * old, (blocks - before) * old - length))
    spectrum = torch.fft.rfft(padded)
    kept = min(old, new) * blocks // 2 + 1
    turns = torch.linspace(0, 1, kept, dtype=samples.dtype, device=samples.device)
    fall = ((turns - PASSBAND) / (1 - PASSBAND)).clamp(0, 1)
    spectrum = spectrum[..., :kept] * (0.5 + 0.5 * torch.cos(math.pi * fall))
    whole = torch.fft.irfft(spectrum, n=blocks * new) * (new / old)
    return whole[..., before * new :][..., : -(-length * new // old)]
