"""Power spectrograms and mel filters in float64 for comparing two sounds."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Float64

from ...errors import EvaluationError

__all__ = ["check_sounds", "mel_filters", "power_spectrogram"]


def check_sounds(*sounds: Float[np.ndarray, " _"], least: int) -> list[Float64[np.ndarray, " _"]]:
    """Check sounds and convert them to float64.

    Raises:
        EvaluationError: fewer than `least` samples, or samples that are not finite.
    """
    for sound in sounds:
        if len(sound) < least:
            raise EvaluationError(f"a sound of {len(sound)} samples", f"at least {least}", "Use longer sounds.")
        if not np.isfinite(sound).all():
            raise EvaluationError(
                f"{int((~np.isfinite(sound)).sum())} samples that are not finite", "finite ones", "Repair the sound."
            )
    return [np.asarray(sound, np.float64) for sound in sounds]


def power_spectrogram(
    sound: Float64[np.ndarray, " samples"],
    window: Float64[np.ndarray, " size"],
    hop: int,
    *,
    length: int | None = None,
) -> Float64[np.ndarray, "frames bins"]:
    """Return |X|^2 of every complete window of the sound, zero-padded to an FFT of `length`."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, len(window))[::hop]
    spectrum = np.fft.rfft(frames * window, length)
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


@lru_cache(maxsize=8)
def mel_filters(rate: int, length: int, rows: int, highest: float) -> Float64[np.ndarray, "rows bins"]:
    """Return triangles of height 1, evenly spaced from 0 Hz on the mel scale 2595 log10(1 + f / 700), with edges on FFT bins.

    As in the package `mel-cepstral-distance`. The matrix is shared and read-only.

    Args:
        rate: sample rate in hertz.
        length: length of the FFT.
        rows: number of triangles.
        highest: upper edge of the last triangle in hertz.
    """
    hertz = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + highest / 700), rows + 2) / 2595) - 1)
    edges = np.floor((length + 1) * hertz / rate).astype(int)
    filters = np.zeros((rows, length // 2 + 1))
    for row, (left, centre, right) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        filters[row, left:centre] = np.arange(centre - left) / max(centre - left, 1)
        filters[row, centre:right] = 1 - np.arange(right - centre) / max(right - centre, 1)
    filters.flags.writeable = False
    return filters
