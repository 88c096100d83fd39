"""Musical measures of a piece, computed without a learned model at the piece's original sample rate.

`benchmarks/definitions.py` compares each with known sounds and with librosa, essentia and pyloudnorm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from ...audio.resample import resample
from ...errors import AudioError
from ...types import Waveform
from .loudness import SILENCE, integrated_loudness
from .onsets import onset_strength, onset_times, tempo_of
from .spectra import check_finite, spectra
from .tonality import TONAL_RATE, chroma_of, in_tune_share, key_of, mode_of, register_and_density, tonal_peaks

__all__ = ["FACTS", "SHORTEST", "Fact", "Music", "check_length", "measure", "measure_samples"]

SHORTEST = 1.0
"""Seconds; rhythm and loops cannot be measured in less."""

WINDOW, HOP = 0.064, 0.01
"""Window and hop in seconds of the spectrogram for all measures except loudness and pitch."""

LOWEST = 50.0
"""Lowest frequency in hertz for brightness and flatness."""

DEPTH = 60.0
"""Level of the quietest frames in decibels below the loudest frame."""


@dataclass(frozen=True)
class Music:
    """Measures of one piece; NaN for those that silence does not have, such as brightness.

    Attributes:
        onset_rate: onsets of notes or strokes a second, independent of loudness.
        tempo: beats a minute by the autocorrelation of the onset strength, often half or twice the actual tempo.
        loudness: integrated loudness in LUFS (ITU-R BS.1770-4, gated), at least -70.
        dynamics: decibels between the 10th and the 95th percentile of the frames' levels.
        brightness: mean spectral centroid in octaves above 1 Hz, frames weighted by amplitude.
        register: mean MIDI pitch of the tones, weighted by amplitude without overtones of lower tones.
        density: number of simultaneous tones: exp of the entropy of their amplitudes, frames weighted by amplitude.
        mode: fit of the best major key minus that of the best minor key; positive in major, negative in minor.
        key: pitch class of the tonic, 0 = C.
        chroma: share of each pitch class, C first.
        in_tune: share of spectral peaks within 15 cents of a semitone of A4 = 440 Hz; 0.30 by chance.
        flatness: geometric over arithmetic mean of the power spectrum in decibels, weighted by amplitude; near -30 for
            tones, near -2.5 for noise.
    """

    onset_rate: float
    tempo: float
    loudness: float
    dynamics: float
    brightness: float
    register: float
    density: float
    mode: float
    key: int
    chroma: tuple[float, ...]
    in_tune: float
    flatness: float


@dataclass(frozen=True)
class Fact:
    """Title and unit of a measure, and a note on its limits."""

    title: str
    unit: str = ""
    note: str = ""


FACTS = {
    "onset_rate": Fact("Onset rate", "1/s"),
    "tempo": Fact(
        "Tempo",
        "BPM",
        "Autocorrelation often finds half or twice the tempo, and ranks pieces of known tempo poorly.",
    ),
    "loudness": Fact("Loudness", "LUFS"),
    "dynamics": Fact("Dynamic range", "dB"),
    "brightness": Fact("Brightness", "octaves"),
    "register": Fact("Register", "semitones"),
    "density": Fact("Density", "tones"),
    "mode": Fact("Mode", "", "Correct for more than four in five pieces of known mode."),
}
"""The measures of :class:`Music` in a report."""


def check_length(sound: Waveform, least: float = SHORTEST) -> None:
    """Refuse a sound that is too short.

    Raises:
        AudioError: fewer seconds than `least`.
    """
    if sound.seconds < least:
        raise AudioError(
            f"a sound of {sound.seconds:.2f} s, where {math.ceil(100 * least) / 100:g} s are needed",
            "a longer one",
            "Leave it out, or make it longer.",
        )


def measure(waveform: Waveform) -> Music:
    """Measure a waveform [1, channels, N].

    Raises:
        AudioError: several pieces, no samples, or samples that are not finite.
    """
    samples = waveform.samples
    if samples.shape[0] != 1:
        raise AudioError(f"{samples.shape[0]} pieces", "one piece", "Measure them one by one.")
    return measure_samples(samples[0].detach().cpu().float().numpy(), waveform.sample_rate)


def measure_samples(samples: Float[np.ndarray, "channels samples"], rate: int) -> Music:
    """Measure a piece in -1..1: loudness of all channels together, all other measures of their mean.

    Raises:
        AudioError: no samples, or samples that are not finite.
    """
    check_finite(samples)
    mono = np.asarray(samples.mean(0), np.float32)
    loudness = integrated_loudness(samples, rate)
    spectrum = spectra(mono, 2 * round(WINDOW * rate / 2), round(HOP * rate))
    if loudness <= SILENCE or not spectrum.any():
        nan = math.nan
        return Music(0.0, nan, SILENCE, 0.0, nan, nan, nan, nan, 0, (0.0,) * 12, 0.0, nan)
    strength = onset_strength(spectrum, rate)
    onsets = onset_times(strength)
    brightness, flatness = _timbre(spectrum, rate)
    peaks = tonal_peaks(resample(torch.from_numpy(mono), rate, TONAL_RATE).numpy())
    register, density = register_and_density(peaks)
    return Music(
        onset_rate=len(onsets) * rate / len(mono),
        tempo=tempo_of(strength) if len(onsets) > 1 else math.nan,
        loudness=loudness,
        dynamics=_dynamics(spectrum),
        brightness=brightness,
        register=register,
        density=density,
        mode=mode_of(peaks),
        key=key_of(peaks),
        chroma=chroma_of(peaks),
        in_tune=in_tune_share(peaks),
        flatness=flatness,
    )


def _dynamics(spectrum: np.ndarray) -> float:
    power = (spectrum.astype(np.float64) ** 2).sum(1)
    levels = 10 * np.log10(np.maximum(power / power.max(), 10 ** (-DEPTH / 10)))
    low, high = np.percentile(levels, (10, 95))
    return float(high - low)


def _timbre(spectrum: np.ndarray, rate: int) -> tuple[float, float]:
    """Return brightness and flatness."""
    size = 2 * (spectrum.shape[1] - 1)
    first = math.ceil(LOWEST * size / rate)
    amplitudes = spectrum[:, first:].astype(np.float64)
    hertz = np.fft.rfftfreq(size, 1 / rate)[first:]
    sums, level = amplitudes.sum(1), amplitudes.max(1)
    if not sums.any():
        return math.nan, math.nan
    audible = level > max(1e-3 * float(level.max()), 1e-9)
    power = np.maximum(amplitudes[audible], 1e-3 * level[audible, None]) ** 2
    flatness = 10 * (np.log10(power).mean(1) - np.log10(power.mean(1)))
    centroid = float((amplitudes @ hertz).sum() / sums.sum())
    return math.log2(centroid), float(np.average(flatness, weights=level[audible]))
