"""How much of a piece returns: the same notes and strokes after one to five seconds.

Onsets are heard in bands of a sixth of an octave, less the share of each band in all onsets together: what is left says which notes
begin, not when, so that a pulse on other notes is no repetition. `returns` is their largest correlation with themselves at lags of
1 to 5 s, less the median over the lags. `returns_shuffled` is the same of the piece's beats in random order, the mean of three, and
`repetition` is what the order of the beats adds.

The length of a beat follows from the tempo heard, also where a file or a manifest states one: no music has an advantage by what is
known of it.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import convolve1d

from art2mus_core.audio.filters import triangles
from art2mus_core.measure.sound.spectra import spectra

HOP = 0.016
"""Seconds between frames, each four hops long."""

LOWEST, BANDS, BANDS_AN_OCTAVE = 100.0, 30, 6
"""Hertz of the lower edge of the first band, and number of bands: up to 3.6 kHz, which music of every rate has."""

LAGS = 1.0, 5.0
"""Seconds."""

ORDERS = 3
"""Random orders of beats."""


def returns_of(mid: np.ndarray, rate: int, tempo: float) -> dict[str, float]:
    """The measures of samples in beats a minute; NaN without a tempo, or if the piece is shorter than twice the longest lag."""
    onsets = pitched_onsets(mid, rate)
    if math.isnan(tempo) or len(onsets) < 2 * round(LAGS[1] / HOP) - 1:
        return dict.fromkeys(("returns", "returns_shuffled", "repetition"), math.nan)
    beats = beats_of(onsets, 60 / tempo / HOP)
    rng = np.random.default_rng(0)
    mixed = [returns(np.concatenate(rng.permutation(beats))) for _ in range(ORDERS)]
    found, chance = returns(onsets), float(np.mean(mixed))
    return {"returns": found, "returns_shuffled": chance, "repetition": found - chance}


def pitched_onsets(mid: np.ndarray, rate: int) -> np.ndarray:
    """What the rises of the log-compressed level of each band, smoothed over three frames, have beyond the rise of all, [frames, BANDS]."""
    hop = round(HOP * rate)
    edges = LOWEST * 2 ** (np.arange(BANDS + 2) / BANDS_AN_OCTAVE)
    bands = triangles(edges, np.fft.rfftfreq(4 * hop, 1 / rate)).T
    levels = spectra(np.asarray(mid, np.float32), 4 * hop, hop) @ (bands / np.maximum(bands.sum(0), 1e-9))
    levels = np.log1p(100 * levels / max(float(levels.max()), 1e-9))
    rises = convolve1d(np.maximum(np.diff(levels, axis=0), 0), [0.25, 0.5, 0.25], axis=0)
    common = rises.sum(1, keepdims=True)
    return rises - common * ((rises * common).sum(0) / max(float((common**2).sum()), 1e-12))


def beats_of(onsets: np.ndarray, beat: float) -> np.ndarray:
    """The whole beats of `beat` frames, [beats, whole frames, bands], interpolated so that none is cut."""
    size = max(2, round(beat))
    at = np.arange(int((len(onsets) - 1) / beat) * size) * beat / size
    first = at.astype(int)
    share = (at - first)[:, None]
    return (onsets[first] * (1 - share) + onsets[first + 1] * share).reshape(-1, size, onsets.shape[1])


def returns(onsets: np.ndarray) -> float:
    """The largest correlation of onsets [frames, bands] with themselves at the lags, less the median."""
    count = len(onsets)
    spectrum = np.fft.rfft(onsets, 2 * count, axis=0)
    lags = np.arange(*(round(lag / HOP) for lag in LAGS))
    lags = lags[lags < count]
    product = np.fft.irfft((np.abs(spectrum) ** 2).sum(1), 2 * count)[lags]
    energy = np.concatenate([[0.0], np.cumsum((onsets**2).sum(1))])
    likeness = product / np.sqrt(energy[count - lags] * (energy[-1] - energy[lags]) + 1e-12)
    return float(likeness.max() - np.median(likeness))
