"""What is heard in a piece of music, measured without a learned model and at the piece's own sample rate.

`benchmarks/definitions.py` compares each of these with known sounds and with librosa, essentia and pyloudnorm.
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

__all__ = ["FACTS", "Fact", "Music", "measure", "measure_samples"]

WINDOW, HOP = 0.064, 0.01
"""Seconds, of the one spectrogram that all but loudness and pitches are read from."""

LOWEST = 50.0
"""Hertz; what lies below is left out of brightness and flatness."""

DEPTH = 60.0
"""Decibels below the loudest frame at which a frame counts as quiet as can be."""


@dataclass(frozen=True)
class Music:
    """Measures of one piece. What the piece has not got is NaN: silence has no brightness.

    Attributes:
        onset_rate: beginnings of notes or strokes a second; loudness does not change it.
        tempo: beats a minute by the autocorrelation of the onset strength. It often finds half or twice the beat.
        loudness: integrated loudness in LUFS (ITU-R BS.1770-4, gated); -70 and below reads -70.
        dynamics: decibels between the frames that are louder than 10 % and than 95 % of all frames.
        brightness: octaves of the mean spectral centroid above 1 Hz, frames weighted by their amplitude.
        register: mean MIDI pitch of the tones, weighted by amplitude; overtones of lower tones are discounted.
        density: how many tones sound at once: exp of the entropy of their amplitudes, frames weighted by amplitude.
        mode: fit of the best major key less that of the best minor key; negative in minor, positive in major.
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
    """How a measure is shown: a title, its unit, and a sentence on what it is not, where there is one."""

    title: str
    unit: str = ""
    note: str = ""


FACTS = {
    "onset_rate": Fact("Onset rate", "1/s"),
    "tempo": Fact(
        "Tempo",
        "BPM",
        "Autocorrelation often finds half or twice the beat: against tempos that are known it ranks pieces poorly.",
    ),
    "loudness": Fact("Loudness", "LUFS"),
    "dynamics": Fact("Dynamic range", "dB"),
    "brightness": Fact("Brightness", "octaves"),
    "register": Fact("Register", "semitones"),
    "density": Fact("Density", "tones"),
    "mode": Fact("Mode", "", "Of pieces whose mode is known more than four in five are told right."),
}
"""Those measures of :class:`Music` that a report shows."""


def measure(waveform: Waveform) -> Music:
    """The measures of a waveform [1, channels, N].

    Raises:
        AudioError: several pieces, no samples, or samples that are not finite.
    """
    samples = waveform.samples
    if samples.shape[0] != 1:
        raise AudioError(f"{samples.shape[0]} pieces", "one piece", "Measure them one by one.")
    return measure_samples(samples[0].detach().cpu().float().numpy(), waveform.sample_rate)


def measure_samples(samples: Float[np.ndarray, "channels samples"], rate: int) -> Music:
    """The measures of a piece in -1..1; loudness is that of all channels together, all else that of their mean.

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
    chroma = chroma_of(peaks)
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
        chroma=chroma,
        in_tune=in_tune_share(peaks),
        flatness=flatness,
    )


def _dynamics(spectrum: np.ndarray) -> float:
    power = (spectrum.astype(np.float64) ** 2).sum(1)
    levels = 10 * np.log10(np.maximum(power / power.max(), 10 ** (-DEPTH / 10)))
    low, high = np.percentile(levels, (10, 95))
    return float(high - low)


def _timbre(spectrum: np.ndarray, rate: int) -> tuple[float, float]:
    """Brightness and flatness."""
    size = 2 * (spectrum.shape[1] - 1)
    first = math.ceil(LOWEST * size / rate)
    amplitudes = spectrum[:, first:].astype(np.float64)
    hertz = np.fft.rfftfreq(size, 1 / rate)[first:]
    sums, level = amplitudes.sum(1), amplitudes.max(1)
    if not sums.any():
        return math.nan, math.nan
    heard = level > max(1e-3 * float(level.max()), 1e-9)
    power = np.maximum(amplitudes[heard], 1e-3 * level[heard, None]) ** 2
    flatness = 10 * (np.log10(power).mean(1) - np.log10(power.mean(1)))
    centroid = float((amplitudes @ hertz).sum() / sums.sum())
    return math.log2(centroid), float(np.average(flatness, weights=level[heard]))
