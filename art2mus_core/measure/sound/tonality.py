"""Key, mode, register, density and tuning from the peaks of long spectra."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from .spectra import Peaks, find_peaks, pitch_of, spectra

__all__ = ["TONAL_RATE", "chroma_of", "in_tune_share", "key_of", "mode_of", "register_and_density", "tonal_peaks"]

TONAL_RATE = 8000
"""Sample rate in hertz for tonal measures, so that window and resolution are the same for every piece."""

WINDOW, HOP = 4096, 1024
LOWEST, HIGHEST, DEPTH = 60.0, 2000.0, 30.0
"""Range of peaks: hertz, hertz, and decibels below the frame's maximum."""

CENTS = 15
TUNING_WIDTH = 0.12
"""Deviation from a pitch class, in semitones, that reduces a peak's weight to 1 / e."""

BASS = (28.0, 54.0)
"""Range of MIDI pitches that support their pitch class as the tonic."""

BASS_WEIGHT = 0.15
"""Weight of the bass relative to the correlation with a key profile."""

OVERTONES = ((2, 0.5), (3, 0.5), (4, 0.4), (5, 0.3), (6, 0.25))
"""Multiples of a frequency, and the expected amplitude of the overtone relative to the tone."""

PROFILES = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)
"""Fit of each degree to a major and a minor key (Krumhansl & Kessler 1982)."""


def tonal_peaks(samples: Float[np.ndarray, " samples"]) -> Peaks:
    """Return peaks of half-second spectra of a sound at `TONAL_RATE`: 60 to 2000 Hz, down to 30 dB below the maximum."""
    amplitudes = spectra(samples, WINDOW, HOP)
    return find_peaks(amplitudes, TONAL_RATE / WINDOW, lowest=LOWEST, highest=HIGHEST, depth=DEPTH)


def in_tune_share(peaks: Peaks) -> float:
    """Return the share of peaks within 15 cents of a semitone of A4 = 440 Hz; 0.30 by chance, 0 without peaks."""
    pitch = pitch_of(peaks.hertz)
    return float(np.mean(np.abs(pitch - np.round(pitch)) <= CENTS / 100)) if len(pitch) else 0.0


def register_and_density(peaks: Peaks) -> tuple[float, float]:
    """Return the mean MIDI pitch of the tones, weighted by amplitude, and the number of simultaneous tones; NaN without."""
    if not len(peaks.hertz):
        return math.nan, math.nan
    pitch, tones = pitch_of(peaks.hertz), _without_overtones(peaks)
    sums = np.bincount(peaks.frame, weights=tones)
    share = tones / sums[peaks.frame]
    entropy = np.bincount(peaks.frame, weights=-share * np.log(np.maximum(share, 1e-12)))
    return float(np.average(pitch, weights=tones)), math.exp(float(np.average(entropy, weights=sums)))


def _without_overtones(peaks: Peaks) -> np.ndarray:
    """Return amplitudes minus the expected overtones of lower peaks in the same frame."""
    row = np.round(4 * pitch_of(peaks.hertz)).astype(int)  # quarters of a semitone
    loudest = np.zeros((int(peaks.frame.max()) + 1, int(row.max()) + 2))
    np.maximum.at(loudest, (peaks.frame, row), peaks.amplitude)
    near = np.maximum(loudest, np.maximum(np.roll(loudest, 1, 1), np.roll(loudest, -1, 1)))
    explained = np.zeros_like(near)
    for multiple, share in OVERTONES:
        up = round(48 * math.log2(multiple))
        explained[:, up:] = np.maximum(explained[:, up:], share * near[:, : near.shape[1] - up])
    return np.maximum(0, peaks.amplitude - explained[peaks.frame, row])


def _classes(peaks: Peaks, lowest: float = -math.inf, highest: float = math.inf) -> np.ndarray:
    """Return the amplitude of each pitch class, C first, from peaks in a range of MIDI pitches, weighted by tuning."""
    pitch = pitch_of(peaks.hertz)
    kept = (pitch >= lowest) & (pitch <= highest)
    nearest = np.round(pitch[kept])
    weight = peaks.amplitude[kept] * np.exp(-(((pitch[kept] - nearest) / TUNING_WIDTH) ** 2))
    return np.bincount(nearest.astype(int) % 12, weights=weight, minlength=12)[:12]


def chroma_of(peaks: Peaks) -> tuple[float, ...]:
    """Return the share of each pitch class, C first; all 0 without peaks."""
    classes = _classes(peaks)
    return tuple(float(value) for value in classes / max(float(classes.sum()), 1e-12))


def _fits(peaks: Peaks) -> np.ndarray:
    """Return the fit of each key, [major and minor, tonic]: the correlation with its profile plus the weighted bass."""
    classes, bass = _classes(peaks), _classes(peaks, *BASS)
    profiles = [[np.corrcoef(np.roll(profile, tonic), classes)[0, 1] for tonic in range(12)] for profile in PROFILES]
    return np.array(profiles) + BASS_WEIGHT * bass / max(float(bass.max()), 1e-12)


def mode_of(peaks: Peaks) -> float:
    """Return the fit of the best major key minus that of the best minor key; NaN if all pitch classes are equal."""
    classes = _classes(peaks)
    if not classes.max() > classes.min():
        return math.nan
    major, minor = _fits(peaks)
    return float(major.max() - minor.max())


def key_of(peaks: Peaks) -> int:
    """Return the tonic of the best key as a pitch class, 0 = C."""
    classes = _classes(peaks)
    return int(_fits(peaks).max(0).argmax()) if classes.max() > classes.min() else int(classes.argmax())
