"""Where notes begin: peaks of the rise of a log-compressed spectrum."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from .spectra import spectra

__all__ = ["onset_strength", "onset_times"]

WINDOW, HOP = 0.064, 0.01
"""Seconds."""

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


@lru_cache(maxsize=2)
def _bands(size: int, rate: int) -> np.ndarray:
    """Triangles of a sixth of an octave from 60 Hz up, [bins, bands]; low ones are at least two bins wide."""
    hertz = np.fft.rfftfreq(size, 1 / rate)
    spacing = rate / size
    centres = [LOWEST]
    while centres[-1] < 0.45 * rate:
        centres.append(max(centres[-1] * 2 ** (1 / BANDS_AN_OCTAVE), centres[-1] + spacing))
    edges = np.array(centres)
    rising = (hertz[:, None] - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - hertz[:, None]) / np.diff(edges)[1:]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def onset_strength(samples: Float[np.ndarray, " samples"], rate: int) -> Float[np.ndarray, " frames"]:
    """Mean rise over all bands every hundredth of a second, in units of the 50 decibels that are looked at.

    Levels are counted from 50 dB below the piece's own loudest bands, so loudness does not matter. A band's rise is
    taken against the loudest of itself and its neighbours before, which a vibrato does not exceed (Böck & Widmer 2013).
    """
    size = 2 ** round(np.log2(WINDOW * rate))
    levels = spectra(samples, size, round(HOP * rate)) @ _bands(size, rate)
    loudest = np.quantile(levels.max(1), 0.95) if levels.size else 0.0
    if loudest <= 1e-7:
        return np.zeros(len(levels), np.float32)
    heights = np.maximum(0, 1 + 20 / DEPTH * np.log10(np.maximum(levels / loudest, 1e-9)))
    widened = np.pad(heights, ((0, 0), (1, 1)), mode="edge")
    before = np.maximum(np.maximum(widened[:, :-2], widened[:, 1:-1]), widened[:, 2:])
    strength = np.zeros(len(levels), np.float32)
    strength[LAG:] = np.maximum(0, heights[LAG:] - before[:-LAG]).mean(1)
    return strength


def onset_times(samples: Float[np.ndarray, " samples"], rate: int) -> Float[np.ndarray, " onsets"]:
    """Seconds at which something begins.

    A frame counts if it is the largest within 30 ms to both sides and exceeds the median of 300 ms to both sides.
    """
    strength = onset_strength(samples, rate)
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
