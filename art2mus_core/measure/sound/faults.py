"""Faults of a piece as a sound: silence, clipping, DC offset and looping."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float
from numpy.lib.stride_tricks import sliding_window_view

from ...audio.filters import slaney_hertz, slaney_mel, triangles
from .spectra import check_finite, spectra

__all__ = ["LOOPED", "SILENT", "Faults", "clipping", "dc_offset", "faults"]

SILENT = -60.0
"""RMS level in dBFS below which a window is silent."""

SILENCE_WINDOW = 0.05
"""Seconds."""

FLAT_RUN, FLAT_TOP, LOUD = 3, 0.99, 0.1
"""Consecutive equal samples and share of the peak that make a flat top, and least peak: below -20 dBFS 16-bit tones have
flat tops without clipping."""

LOOPED = 0.9
"""Least repetition of a loop. Composed music, which repeats bars, reaches 0.84."""

SHORTEST_LOOP = 0.5
"""Seconds."""

WINDOW, HOP, BANDS, DEPTH = 0.064, 0.01, 40, 60.0
"""Log-mel frames for repetition: window and hop in seconds, bands, and decibels below the maximum."""

RIPPLE = 1.0
"""Decibels of variation that are ignored, so that a steady tone is not a loop."""


@dataclass(frozen=True)
class Faults:
    """Faults of one piece.

    Attributes:
        silence: share of windows of 50 ms whose RMS is below -60 dBFS.
        clipping: share of samples, over channels, on flat tops: at least three equal ones within 1 % of the peak.
        dc: largest absolute mean of a channel relative to full scale.
        peak: peak in dBFS; minus infinity for digital silence.
        repetition: autocorrelation at `period`, -1..1; 1 for an exact loop; NaN for less than a second.
        period: lag of the largest autocorrelation in seconds, from 0.5 to half the piece; NaN for less than a second.
    """

    silence: float
    clipping: float
    dc: float
    peak: float
    repetition: float
    period: float

    @property
    def looped(self) -> bool:
        """Whether the piece repeats a segment almost exactly."""
        return self.repetition >= LOOPED


def faults(samples: Float[np.ndarray, "channels samples"], rate: int) -> Faults:
    """Measure the faults of a piece at its original rate, as resampling would hide clipping.

    Args:
        samples: samples in -1..1.
        rate: rate in hertz.

    Raises:
        AudioError: no samples, or samples that are not finite.
    """
    check_finite(samples)
    peak = float(np.abs(samples).max())
    repetition, period = _repetition(samples.mean(0), rate)
    return Faults(
        silence=_silence(samples, rate),
        clipping=clipping(samples),
        dc=dc_offset(samples),
        peak=20 * math.log10(peak) if peak > 0 else -math.inf,
        repetition=repetition,
        period=period,
    )


def clipping(samples: Float[np.ndarray, "channels samples"]) -> float:
    """Return the share of samples, over channels, on flat tops."""
    return float(np.mean([_flat_tops(channel).mean() for channel in samples]))


def dc_offset(samples: Float[np.ndarray, "channels samples"]) -> float:
    """Return the largest absolute mean of a channel."""
    return float(np.abs(samples.mean(1, dtype=np.float64)).max())


def _silence(samples: np.ndarray, rate: int) -> float:
    size = round(SILENCE_WINDOW * rate)
    count = samples.shape[1] // size
    windows = samples[:, : count * size].reshape(len(samples), count, size).astype(np.float64)
    return float(((windows**2).mean((0, 2)) < 10 ** (SILENT / 10)).mean())


def _flat_tops(channel: Float[np.ndarray, " samples"]) -> Bool[np.ndarray, " samples"]:
    """Mark samples in runs of equal ones at the channel's positive or negative peak."""
    tops = np.zeros(len(channel), bool)
    size = np.abs(channel)
    if size.max() < LOUD:
        return tops
    like_next = (channel[1:] == channel[:-1]) & (size[1:] >= FLAT_TOP * size.max())
    begins = np.asarray(sliding_window_view(like_next, FLAT_RUN - 1).all(1))
    for offset in range(FLAT_RUN):
        tops[offset : offset + len(begins)] |= begins
    return tops


def _repetition(mono: np.ndarray, rate: int) -> tuple[float, float]:
    """Return the largest normalised autocorrelation of zero-mean log-mel frames, and its lag in seconds."""
    size, hop = 2 * round(WINDOW * rate / 2), round(HOP * rate)
    power = spectra(np.asarray(mono, np.float32), size, hop).astype(np.float64) ** 2 @ _bands(size, rate)
    levels = 10 * np.log10(np.maximum(power / max(float(power.max()), 1e-20), 10 ** (-DEPTH / 10)))
    levels -= levels.mean(0)
    frames = len(levels)
    lags = np.arange(math.ceil(SHORTEST_LOOP * rate / hop), frames // 2 + 1)
    if not len(lags):
        return math.nan, math.nan
    spectrum = np.fft.rfft(levels, 2 * frames, axis=0)
    product = np.fft.irfft((np.abs(spectrum) ** 2).sum(1), 2 * frames)[lags]
    energy = np.concatenate([[0.0], np.cumsum((levels**2).sum(1))])
    ripple = BANDS * RIPPLE**2 * (frames - lags)
    likeness = product / np.sqrt((energy[frames - lags] + ripple) * (energy[-1] - energy[lags] + ripple))
    best = int(likeness.argmax())
    return float(likeness[best]), float(lags[best] * hop / rate)


@lru_cache(maxsize=4)
def _bands(size: int, rate: int) -> np.ndarray:
    """Return triangles [bins, bands], evenly spaced on Slaney's mel scale up to half the rate."""
    edges = slaney_hertz(np.linspace(0, slaney_mel(rate / 2), BANDS + 2))
    return triangles(edges, np.fft.rfftfreq(size, 1 / rate)).T * (2 / (edges[2:] - edges[:-2]))
