"""Where notes begin, and how fast they pulse: peaks and period of the rise of a log-compressed spectrum."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from ...audio.filters import triangles

__all__ = ["onset_strength", "onset_times", "tempo_of"]

HOP = 0.01
"""Seconds between two frames."""

LAG = 2
"""Frames over which a rise is taken."""

BANDS_AN_OCTAVE, LOWEST = 6, 60.0
DEPTH = 50.0
"""Decibels below the loudest bands that are looked at."""

NEAR, WIDE = 3, 30
"""Frames to both sides in which an onset is the largest, and whose median it exceeds."""

SPACING = 0.05
"""Seconds between two onsets at least."""

THRESHOLD, LEAST = 0.12, 0.006
"""By how much it exceeds the median: a share of the piece's strong onsets, and the ripple of steady noise."""

SLOWEST, USUAL, FASTEST = 30.0, 120.0, 300.0
"""Beats a minute that are looked for, and the likeliest."""


@lru_cache(maxsize=4)
def _bands(size: int, rate: int) -> np.ndarray:
    """Triangles of a sixth of an octave from 60 Hz up, [bins, bands]; low ones are at least two bins wide."""
    hertz = np.fft.rfftfreq(size, 1 / rate)
    spacing = rate / size
    centres = [LOWEST]
    while centres[-1] < 0.45 * rate:
        centres.append(max(centres[-1] * 2 ** (1 / BANDS_AN_OCTAVE), centres[-1] + spacing))
    return triangles(np.array(centres), hertz).T.astype(np.float32)


def onset_strength(spectrum: Float[np.ndarray, "frames bins"], rate: int) -> Float[np.ndarray, " frames"]:
    """Mean rise over all bands every hundredth of a second, in units of the 50 decibels that are looked at.

    Levels are counted from 50 dB below the piece's own loudest bands, so loudness does not matter. A band's rise is
    taken against the loudest of itself and its neighbours before, which a vibrato does not exceed (Böck & Widmer 2013).
    """
    levels = spectrum @ _bands(2 * (spectrum.shape[1] - 1), rate)
    loudest = np.quantile(levels.max(1), 0.95) if levels.size else 0.0
    if loudest <= 1e-7:
        return np.zeros(len(levels), np.float32)
    heights = np.maximum(0, 1 + 20 / DEPTH * np.log10(np.maximum(levels / loudest, 1e-9)))
    widened = np.pad(heights, ((0, 0), (1, 1)), mode="edge")
    before = np.maximum(np.maximum(widened[:, :-2], widened[:, 1:-1]), widened[:, 2:])
    strength = np.zeros(len(levels), np.float32)
    strength[LAG:] = np.maximum(0, heights[LAG:] - before[:-LAG]).mean(1)
    return strength


def onset_times(strength: Float[np.ndarray, " frames"]) -> Float[np.ndarray, " onsets"]:
    """Seconds at which something begins.

    A frame counts if it is the largest within 30 ms to both sides and exceeds the median of 300 ms to both sides.
    """
    if not strength.any():
        return np.zeros(0)
    largest = _windows(strength, NEAR).max(1)
    usual = np.median(_windows(strength, WIDE), 1)
    threshold = usual + THRESHOLD * np.quantile(strength, 0.98) + LEAST
    found = np.flatnonzero((strength >= largest) & (strength > threshold)) * HOP
    kept: list[float] = []
    for time in found:
        if not kept or time - kept[-1] >= SPACING:
            kept.append(float(time))
    return np.array(kept)


def _windows(values: np.ndarray, reach: int) -> np.ndarray:
    """The neighbourhood of each value, [n, 2 reach + 1]."""
    return np.lib.stride_tricks.sliding_window_view(np.pad(values, reach, mode="edge"), 2 * reach + 1)


def tempo_of(strength: Float[np.ndarray, " frames"]) -> float:
    """Beats a minute: the lag of the largest autocorrelation, weighted towards 120 a minute (Ellis 2007); NaN for none."""
    rise = strength - strength.mean()
    count = len(rise)
    spectrum = np.fft.rfft(rise, 2 * count)
    likeness = np.fft.irfft(np.abs(spectrum) ** 2)[:count]
    lags = np.arange(round(60 / FASTEST / HOP), min(round(60 / SLOWEST / HOP), count - 1))
    if not len(lags) or likeness[0] <= 0:
        return math.nan
    weighted = likeness[lags] * np.exp(-0.5 * np.log2(60 / (lags * HOP) / USUAL) ** 2)
    best = int(lags[weighted.argmax()])
    before, here, after = likeness[best - 1 : best + 2]
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(60 / ((best + min(max(shift, -0.5), 0.5)) * HOP))
