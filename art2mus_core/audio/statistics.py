"""What can be measured of music without a learned model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from ..errors import AudioError
from ..types import Waveform
from .onsets import onset_times
from .resample import resample
from .spectra import Peaks, pitch_of, spectra
from .tonality import chroma_of, in_tune_share, key_of, mode_of, tonal_peaks

__all__ = ["FEATURES", "FEATURE_WEIGHTS", "AudioStatistics", "feature_vector", "measure", "measure_samples"]

RATE = 16_000
"""Everything is measured at this sample rate, so that files of different rates compare."""

SILENCE = -70.0
"""LUFS; quieter music counts as this loud (the absolute gate of ITU-R BS.1770)."""

WINDOW, HOP = 1024, 512
LOWEST = 50.0


@dataclass(frozen=True)
class AudioStatistics:
    """Measures of one piece.

    Attributes:
        onset_rate: beginnings of notes or strokes a second; loudness does not change it.
        loudness: LUFS after ITU-R BS.1770-4, K-weighted, without gating; -70 and below reads -70.
        brightness: octaves of the spectral centroid above 1 Hz, mean over frames weighted by amplitude.
        chroma: share of each pitch class, C first.
        mode: from dark (-1) over minor and major to bright (1); see :func:`.tonality.mode_of`.
        key: pitch class of the tonic, 0 = C.
        in_tune: share of spectral peaks within 15 cents of a semitone of A4 = 440 Hz; 0.30 by chance.
        flatness: geometric over arithmetic mean of the power spectrum in decibels, weighted by amplitude; near -30 for
            tones, near -2.5 for noise.
        register: MIDI pitch of the spectral peaks, mean weighted by amplitude.
    """

    onset_rate: float
    loudness: float
    brightness: float
    chroma: tuple[float, ...]
    mode: float
    key: int
    in_tune: float
    flatness: float
    register: float


def measure(waveform: Waveform) -> AudioStatistics:
    """The statistics of a waveform [1, channels, N]; channels are mixed.

    Raises:
        AudioError: several pieces, no samples, or samples that are not finite.
    """
    samples = waveform.samples
    if samples.shape[0] != 1:
        raise AudioError(f"{samples.shape[0]} pieces", "one piece", "Measure them one by one.")
    return measure_samples(samples[0].mean(0).detach().cpu().float().numpy(), waveform.sample_rate)


def measure_samples(samples: Float[np.ndarray, " samples"], sample_rate: int) -> AudioStatistics:
    """The statistics of mono samples.

    Raises:
        AudioError: no samples, or samples that are not finite.
    """
    if samples.size == 0 or not np.isfinite(samples).all():
        raise AudioError(
            f"{samples.size} samples, {int(np.isfinite(samples).sum())} of them finite",
            "music of finite samples",
            "Use another sound.",
        )
    sound = resample(torch.from_numpy(np.asarray(samples, np.float32)), sample_rate, RATE).numpy()
    peaks, seconds_a_frame = tonal_peaks(sound, RATE)
    brightness, flatness = _timbre(sound)
    return AudioStatistics(
        onset_rate=len(onset_times(sound, RATE)) / (len(sound) / RATE),
        loudness=_loudness(sound),
        brightness=brightness,
        chroma=chroma_of(peaks),
        mode=mode_of(peaks, seconds_a_frame),
        key=key_of(peaks, seconds_a_frame),
        in_tune=in_tune_share(peaks),
        flatness=flatness,
        register=_register(peaks),
    )


FEATURES = (
    "onset rate",
    "loudness",
    "brightness",
    "mode",
    "register",
    "flatness",
    *(f"chroma {name}" for name in ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")),
)
"""Names of the entries of :func:`feature_vector`."""

FEATURE_WEIGHTS = tuple(12**-0.5 if name.startswith("chroma") else 1.0 for name in FEATURES)
"""What each entry counts in a distance once it is standardised: the twelve of the chroma count as one."""


def feature_vector(statistics: AudioStatistics) -> Float[np.ndarray, " features"]:
    """The statistics as a float64 vector, named by :data:`FEATURES`; the onset rate as the logarithm of 0.5 more.

    The entries have different units: callers divide each by its spread over a reference set, and multiply it by
    :data:`FEATURE_WEIGHTS`, before they take distances. Key and tuning are left out: the chroma holds the one, and the other is a quality, not a character.
    """
    return np.array(
        [
            math.log(statistics.onset_rate + 0.5),
            statistics.loudness,
            statistics.brightness,
            statistics.mode,
            statistics.register,
            statistics.flatness,
            *statistics.chroma,
        ]
    )


SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
KWEIGHTING_RATE = 48_000
"""The two filters of ITU-R BS.1770-4 and the rate that they are given for."""


def _loudness(sound: np.ndarray) -> float:
    """K-weighting in the spectrum of the whole piece, its power by Parseval's theorem."""
    power = np.abs(np.fft.rfft(sound)) ** 2 / len(sound) ** 2
    power[1 : (len(sound) + 1) // 2] *= 2
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(len(sound), 1 / RATE) / KWEIGHTING_RATE)
    weights = np.ones(len(power))
    for upper, lower in (SHELF, HIGH_PASS):
        weights *= np.abs(np.polyval(upper[::-1], turn) / np.polyval(lower[::-1], turn)) ** 2
    return max(SILENCE, -0.691 + 10 * math.log10(max(float(power @ weights), 1e-12)))


def _timbre(sound: np.ndarray) -> tuple[float, float]:
    """Brightness and flatness."""
    first = math.ceil(LOWEST * WINDOW / RATE)
    amplitudes = spectra(sound, WINDOW, HOP)[:, first:]
    level = amplitudes.max(1)
    heard = level > max(1e-3 * float(level.max()), 1e-6)
    if not heard.any():
        return math.log2(LOWEST), 0.0
    amplitudes, level = amplitudes[heard], level[heard]
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)[first:]
    centroid = (amplitudes @ hertz) / amplitudes.sum(1)
    power = np.maximum(amplitudes, 1e-3 * level[:, None]) ** 2
    flatness = 10 * (np.log10(power).mean(1) - np.log10(power.mean(1)))
    return float(np.average(np.log2(centroid), weights=level)), float(np.average(flatness, weights=level))


def _register(peaks: Peaks) -> float:
    if not len(peaks.hertz):
        return 0.0
    return float(np.average(pitch_of(peaks.hertz), weights=peaks.amplitude))
