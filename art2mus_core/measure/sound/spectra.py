"""Short-time spectra and their peaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ...audio.filters import hann
from ...errors import AudioError

__all__ = ["Peaks", "check_finite", "find_peaks", "pitch_of", "spectra"]


@dataclass(frozen=True)
class Peaks:
    """Spectral peaks of a sound in order of time, [n] each.

    Attributes:
        frame: number of the frame.
        hertz: frequency, interpolated by a parabola through logarithms.
        amplitude: amplitude of a sine with this peak.
    """

    frame: Int[np.ndarray, " n"]
    hertz: Float[np.ndarray, " n"]
    amplitude: Float[np.ndarray, " n"]


def check_finite(samples: Float[np.ndarray, "channels samples"]) -> None:
    """Check that samples can be measured.

    Raises:
        AudioError: no samples, or samples that are not finite.
    """
    bad = int(np.count_nonzero(~np.isfinite(samples)))
    if bad or not samples.size:
        came = f"{bad} of {samples.size} samples that are NaN or infinite" if bad else "a sound without samples"
        raise AudioError(came, "finite samples", "Compose the piece again, or use another sound.")


def spectra(samples: Float[np.ndarray, " samples"], size: int, hop: int) -> Float[np.ndarray, "frames bins"]:
    """Return amplitudes (1 for a sine of amplitude 1) with a Hann window; frames are centred on multiples of the hop."""
    padded = np.pad(samples, size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    return np.abs(np.fft.rfft(frames * hann(size).astype(np.float32))).astype(np.float32) * np.float32(4 / size)


def find_peaks(
    amplitudes: Float[np.ndarray, "frames bins"], spacing: float, *, lowest: float, highest: float, depth: float
) -> Peaks:
    """Return local maxima between two frequencies, at most `depth` decibels below their frame's maximum in that range.

    Args:
        amplitudes: the result of :func:`spectra`.
        spacing: distance of bins in hertz.
        lowest: lowest frequency in hertz.
        highest: highest frequency in hertz.
        depth: range in decibels.
    """
    first, last = max(1, int(lowest / spacing)), min(amplitudes.shape[1] - 2, int(highest / spacing) + 1)
    before, here, after = (amplitudes[:, first + shift : last + shift + 1] for shift in (-1, 0, 1))
    loud = np.maximum(here.max(1, keepdims=True, initial=0) * 10 ** (-depth / 20), 1e-6)
    frame, bin_ = np.nonzero((here > before) & (here >= after) & (here > loud))
    a, b, c = (np.log(np.maximum(part[frame, bin_], 1e-12)).astype(np.float64) for part in (before, here, after))
    shift = 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-9)
    hertz = (bin_ + first + shift) * spacing
    kept = (hertz >= lowest) & (hertz <= highest)
    return Peaks(frame[kept], hertz[kept], np.exp(b - 0.25 * (a - c) * shift)[kept])


def pitch_of(hertz: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Convert hertz to fractional MIDI note numbers (A4 = 69 = 440 Hz)."""
    return 69 + 12 * np.log2(np.maximum(hertz, 1e-9) / 440)
