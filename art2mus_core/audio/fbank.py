"""Kaldi's log-mel filter bank, and the clips of it that ImageBind's audio tower takes as input.

As in Kaldi (Povey et al. 2011) with a Hanning window, without dither and energy, for samples in -1..1: frames of 25 ms
every 10 ms that lie entirely inside the sound; mean removed, preemphasis, window, FFT at the next power of two; powers
weighted by triangles on the scale 1127 ln(1 + f / 700) from 20 Hz to half the rate; natural logarithm. Computed in float64
on the samples' device, or on the CPU if the device has no float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import AudioError
from .filters import htk_mel, triangles

__all__ = ["Clips", "fbank"]

WINDOW, SHIFT = Fraction(25, 1000), Fraction(10, 1000)
"""Length of a frame and distance between frames, in seconds."""

PREEMPHASIS = 0.97
LOWEST = 20.0
"""Lower edge of the lowest triangle in hertz."""

FLOOR = float(np.finfo(np.float32).eps)
"""Smallest power before the logarithm."""


def fbank(
    samples: Float[Tensor, "*batch samples"], sample_rate: int, bins: int
) -> Float[Tensor, "*batch frames {bins}"]:
    """Return natural logarithms of mel-weighted powers, float32; N samples have 1 + (N - window) // shift frames.

    Args:
        samples: samples in -1..1.
        sample_rate: rate in hertz.
        bins: number of triangles.

    Raises:
        AudioError: the sound is shorter than one frame.
    """
    window, shift = int(WINDOW * sample_rate), int(SHIFT * sample_rate)
    if samples.shape[-1] < window or shift < 1:
        raise AudioError(
            f"a sound of {samples.shape[-1]} samples at {sample_rate} Hz",
            f"at least one frame of {float(WINDOW) * 1000:g} ms",
            "Use a longer sound.",
        )
    length = 1 << (window - 1).bit_length()
    exact = samples.cpu() if samples.device.type == "mps" else samples  # mps has no float64
    frames = exact.double().unfold(-1, window, shift)
    frames = frames - frames.mean(-1, keepdim=True)
    before = torch.cat([frames[..., :1], frames[..., :-1]], -1)
    hanning = torch.hann_window(window, periodic=False, dtype=torch.float64, device=frames.device)
    powers = torch.fft.rfft((frames - PREEMPHASIS * before) * hanning, n=length).abs().square()
    filters = torch.from_numpy(_triangles(sample_rate, bins, length)).to(powers.device)
    return (powers @ filters.T).clamp(min=FLOOR).log().float().to(samples.device)


@dataclass(frozen=True)
class Clips:
    """Settings for cutting a sound into normalised clips.

    Attributes:
        sample_rate: rate of the sound in hertz.
        bins: mel bins of a clip.
        frames: frames of a clip, padded with zeros or cropped.
        clips: number of clips per sound.
        seconds: length of a clip.
        mean: subtracted from the logarithms and the padding.
        std: divisor after the subtraction.
    """

    sample_rate: int
    bins: int
    frames: int
    clips: int
    seconds: float
    mean: float
    std: float

    def cut(self, samples: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch clips bins frames"]:
        """Return normalised clips; a sound shorter than one clip is repeated whole `clips` times.

        Raises:
            AudioError: the sound is shorter than one frame or has samples that are not finite.
        """
        if not samples.isfinite().all():
            raise AudioError("samples that are NaN or infinite", "finite samples", "Make or read the sound again.")
        length = int(self.seconds * self.sample_rate)
        clips = torch.stack([samples[:, start : start + length] for start in self.starts(samples.shape[-1])], 1)
        logarithms = fbank(clips - clips.mean(-1, keepdim=True), self.sample_rate, self.bins).mT[..., : self.frames]
        filled = torch.nn.functional.pad(logarithms, (0, self.frames - logarithms.shape[-1]))
        return (filled - self.mean) / self.std

    def starts(self, length: int) -> list[int]:
        """Return the first sample of each clip, evenly spaced as in ImageBind; the last clip ends before the sound does."""
        # float seconds, then exact: an offset of one sample would change every frame of a clip
        room = Fraction(max(length / self.sample_rate - self.seconds, 0.0))
        return [int(room / self.clips * index * self.sample_rate) for index in range(self.clips)]


@lru_cache(maxsize=4)
def _triangles(sample_rate: int, bins: int, length: int) -> Float[np.ndarray, "bins half"]:
    """Return weights [bins, length / 2 + 1] of the FFT's powers: triangles on the mel scale."""
    lowest, highest = htk_mel(np.array([LOWEST, sample_rate / 2])).tolist()
    edges = np.linspace(lowest, highest, bins + 2)
    weights = triangles(edges, htk_mel(np.fft.rfftfreq(length, 1 / sample_rate)))
    weights[:, -1] = 0  # the last edge is at half the rate; rounding must not give it weight
    return weights
