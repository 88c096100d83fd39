"""Oscillators of fixed frequency and filtered noise, as functions of absolute time: a part of a piece is a part of the whole's sound."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Bank", "filtered_noise", "noise_bands", "white_noise"]

GOLDEN = 0.6180339887498949


class Bank:
    """Oscillators of fixed frequency.

    Within a frame of s samples, sin(w (n s + j) + phi) is a sum of products of a function of n and one of j, so all
    oscillators are computed by one matrix product.

    Args:
        radians: per sample, of each oscillator; from the Nyquist frequency on it is silent.
        stride: samples in a frame.
        whole: frames of the whole piece.
    """

    def __init__(self, radians: np.ndarray, stride: int, whole: int) -> None:
        self.whole = whole
        within = radians[:, None] * np.arange(stride)
        ramp = np.arange(stride) / stride
        sine, cosine = np.sin(within), np.cos(within)
        silent = radians >= np.pi
        sine[silent], cosine[silent] = 0, 0
        falling, rising = 1 - ramp, ramp
        self.basis = np.concatenate([cosine * falling, sine * falling, cosine * rising, sine * rising])
        # exp(i (n step + phase)) of frame n is a product of two of few exponentials
        self.fast = math.isqrt(max(0, whole - 1)) + 1
        step, phase = radians * stride, 2 * np.pi * GOLDEN * np.arange(len(radians))
        slow = np.arange(-(-whole // self.fast)) * self.fast
        self.coarse = np.exp(1j * (slow[:, None] * step + phase))
        self.fine = np.exp(1j * np.arange(self.fast)[:, None] * step)

    def tones(
        self, amplitudes: Float[Tensor, "batch known oscillators"], frames: range
    ) -> Float[Tensor, "batch samples"]:
        """Sum of the sinusoids, with amplitudes interpolated linearly between frames.

        Args:
            amplitudes: of these frames and perhaps the one after the last, which otherwise holds its amplitudes.
            frames: numbers of the frames in the whole piece.
        """
        count, at = len(frames), np.asarray(frames)
        turns = self.coarse[at // self.fast] * self.fine[at % self.fast]
        here, following = amplitudes[:, :count], torch.cat([amplitudes[:, 1:], amplitudes[:, -1:]], dim=1)[:, :count]
        s, c = (torch.as_tensor(part, dtype=here.dtype, device=here.device) for part in (turns.imag, turns.real))
        factors = torch.cat([here * s, here * c, following * s, following * c], dim=-1)
        return (factors @ torch.as_tensor(self.basis, dtype=here.dtype, device=here.device)).flatten(1)


def white_noise(samples: int, channels: int, mirrored: int) -> Float[Tensor, "channels padded"]:
    """The same white noise for every piece of a length, mirrored at its ends; several channels share half of its power."""
    generator = torch.Generator().manual_seed(0)
    white = torch.randn(samples, generator=generator)[None]
    if channels > 1:
        white = torch.randn(channels, samples, generator=generator).add_(white).div_(math.sqrt(2))
    return F.pad(white, (mirrored, mirrored), mode="reflect")


def filtered_noise(
    levels: Float[Tensor, "batch frames bins"],
    white: Float[Tensor, "channels padded"],
    bands: Float[np.ndarray, "bins bands"],
    stride: int,
) -> Float[Tensor, "batch samples"]:
    """Noise that begins with these frames, filtered in the short-time spectrum (overlap-add, Hann).

    Args:
        levels: of each frame, in frequency bins.
        white: from half a window before the first frame to half a window after the last, or longer.
        bands: from :func:`noise_bands`.
        stride: samples in a frame.
    """
    frames, size = levels.shape[1], 2 * (bands.shape[1] - 1)
    window = torch.hann_window(size, dtype=levels.dtype, device=levels.device)
    spectrum = torch.stft(
        white[:, : frames * stride + size], size, stride, window=window, center=False, return_complex=True
    )
    gains = (levels @ torch.as_tensor(bands, dtype=levels.dtype, device=levels.device)).mT
    gains = torch.cat([gains, gains[..., -1:]], dim=-1)
    shaped = (spectrum * gains.unflatten(0, (-1, len(white)))).flatten(0, 1)
    return torch.istft(shaped, size, stride, window=window, length=frames * stride)


def noise_bands(hertz: np.ndarray, rate: int, window: int) -> Float[np.ndarray, "bins bands"]:
    """Weights of each row's noise in the bins of the noise window, linear between the rows' pitches."""
    rows = np.log2(hertz)
    bins = np.log2(np.maximum(1e-9, np.arange(window // 2 + 1) * rate / window))
    bands = np.stack([np.interp(bins, rows, unit) for unit in np.eye(len(rows))])
    bands[:, bins < rows[0]] = 0
    return bands
