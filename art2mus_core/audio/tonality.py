"""Key, mode and tuning, read from the peaks of long spectra."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .spectra import Peaks, find_peaks, pitch_of, spectra

__all__ = ["chroma_of", "in_tune_share", "key_of", "mode_of", "tonal_peaks"]

WINDOW, HOP = 0.512, 0.128
LOWEST, HIGHEST, DEPTH = 60.0, 2000.0, 30.0
CENTS = 15

LOWEST_PITCH, HIGHEST_PITCH = 33.0, 96.0
BASS = (33.0, 54.0)
MIDDLE = (50.0, 84.0)
"""MIDI pitches."""

OPENING = 1.4
"""Seconds that the first chord is taken to last."""

DEGREES = ((4, 3), (9, 8), (11, 10), (2, 1), (6, 5))
"""Semitones above the tonic, (bright, dark): the third first, then those that tell modes of one third apart."""

PROFILES = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)
"""How well each degree fits a major and a minor key (Krumhansl & Kessler 1982)."""


def tonal_peaks(samples: Float[np.ndarray, " samples"], rate: int) -> tuple[Peaks, float]:
    """Peaks of half-second spectra, 60 to 2000 Hz, at most 30 dB below their frame's loudest; and seconds a frame."""
    size, hop = 2 ** round(np.log2(WINDOW * rate)), round(HOP * rate)
    amplitudes = spectra(samples, size, hop)
    return find_peaks(amplitudes, rate / size, lowest=LOWEST, highest=HIGHEST, depth=DEPTH), hop / rate


def in_tune_share(peaks: Peaks) -> float:
    """Share of the peaks within 15 cents of a semitone of A4 = 440 Hz; 0.30 by chance, 0 without peaks."""
    pitch = pitch_of(peaks.hertz)
    return float(np.mean(np.abs(pitch - np.round(pitch)) <= CENTS / 100)) if len(pitch) else 0.0


def _classes(peaks: Peaks, lowest: float, highest: float) -> np.ndarray:
    """Amplitude in each pitch class, C first, from the peaks whose MIDI pitch lies in between; nearly in tune only."""
    pitch = pitch_of(peaks.hertz)
    kept = (pitch >= lowest) & (pitch <= highest)
    nearest = np.round(pitch[kept])
    weight = peaks.amplitude[kept] * np.exp(-(((pitch[kept] - nearest) / 0.12) ** 2))
    return np.bincount(nearest.astype(int) % 12, weights=weight, minlength=12)[:12]


def chroma_of(peaks: Peaks) -> tuple[float, ...]:
    """Share of each pitch class, C first; all zero without peaks."""
    classes = _classes(peaks, LOWEST_PITCH, HIGHEST_PITCH)
    return tuple(float(value) for value in classes / max(float(classes.sum()), 1e-12))


def _opening(peaks: Peaks, seconds_a_frame: float) -> Peaks:
    """The first chord's: from where the music comes within 20 dB of its loudest."""
    if not len(peaks.frame):
        return peaks
    first = peaks.frame[np.argmax(peaks.amplitude >= 0.1 * peaks.amplitude.max())]
    kept = (peaks.frame >= first) & (peaks.frame < first + OPENING / seconds_a_frame)
    return Peaks(peaks.frame[kept], peaks.hertz[kept], peaks.amplitude[kept])


def mode_of(peaks: Peaks, seconds_a_frame: float) -> float:
    """From dark (-1, Phrygian) over minor and major to bright (1, Lydian).

    Half of it is the third above the opening bass: music states its key first, and that third says more than a profile
    over the whole. Half is the mean contrast of the other degrees that differ between the modes, over the whole, whose
    tonic is :func:`key_of`'s.
    """
    opening = _opening(peaks, seconds_a_frame)
    bass = int(_classes(opening, *BASS).argmax())
    first = _contrast(np.roll(_classes(opening, *MIDDLE), -bass), *DEGREES[0])
    whole = np.roll(_classes(peaks, MIDDLE[0], HIGHEST_PITCH), -key_of(peaks, seconds_a_frame))
    return (first + sum(_contrast(whole, bright, dark) for bright, dark in DEGREES) / len(DEGREES)) / 2


def _contrast(classes: np.ndarray, bright: int, dark: int) -> float:
    """The bright form of a degree less the dark one, over both, -1..1."""
    both = float(classes[bright] + classes[dark])
    return float(classes[bright] - classes[dark]) / both if both > 0 else 0.0


def key_of(peaks: Peaks, seconds_a_frame: float) -> int:
    """Pitch class of the tonic, 0 = C: key profiles over the whole plus the opening bass."""
    classes = _classes(peaks, LOWEST_PITCH, HIGHEST_PITCH)
    if not classes.max() > classes.min():
        return int(classes.argmax())
    fits = [max(float(np.corrcoef(np.roll(p, k), classes)[0, 1]) for p in PROFILES) for k in range(12)]
    bass = _classes(_opening(peaks, seconds_a_frame), *BASS)
    return int(np.argmax(np.array(fits) + bass / max(float(bass.max()), 1e-12)))
