"""Onsets and tempo: peaks and period of the rise of a log-compressed spectrum."""

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
"""Distance in frames over which a rise is measured."""

BANDS_AN_OCTAVE, LOWEST = 6, 60.0
DEPTH = 50.0
"""Range in decibels below the loudest bands."""

NEAR, WIDE = 3, 30
"""Frames to both sides in which an onset is the maximum, and frames whose median it exceeds."""

SPACING = 0.05
"""Least distance of onsets in seconds."""

THRESHOLD, LEAST = 0.12, 0.006
"""Least excess over the median: a share of the piece's strong onsets plus the ripple of steady noise."""

SLOWEST, USUAL, FASTEST = 30.0, 120.0, 300.0
"""Tempo in beats a minute: least, most likely and largest."""


@lru_cache(maxsize=4)
def _bands(size: int, rate: int) -> np.ndarray:
    """Return triangles [bins, bands] of a sixth of an octave from 60 Hz up, at least two bins wide."""
    hertz = np.fft.rfftfreq(size, 1 / rate)
    spacing = rate / size
    centres = [LOWEST]
    while centres[-1] < 0.45 * rate:
        centres.append(max(centres[-1] * 2 ** (1 / BANDS_AN_OCTAVE), centres[-1] + spacing))
    return triangles(np.array(centres), hertz).T.astype(np.float32)


def onset_strength(spectrum: Float[np.ndarray, "frames bins"], rate: int) -> Float[np.ndarray, " frames"]:
    """Return the mean rise over all bands every hundredth of a second, in units of 50 dB.

    Levels start 50 dB below the piece's loudest bands, so loudness does not matter. A band's rise is measured from the
    maximum of itself and its neighbours before, which vibrato does not exceed (Böck & Widmer 2013).
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
    """Return onset times in seconds: frames that are the maximum within 30 ms and exceed the median within 300 ms."""
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
    """Return the neighbourhood of each value, [n, 2 reach + 1]."""
    return np.lib.stride_tricks.sliding_window_view(np.pad(values, reach, mode="edge"), 2 * reach + 1)


def tempo_of(strength: Float[np.ndarray, " frames"]) -> float:
    """Return beats a minute by the largest autocorrelation, weighted towards 120 (Ellis 2007); NaN if there is none."""
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
