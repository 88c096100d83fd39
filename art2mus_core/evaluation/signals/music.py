"""What is heard in a piece, measured by librosa (McFee et al. 2015).

These facts stand apart from :mod:`art2mus_core.audio.statistics`, which had a part in making and choosing the music of
the bundled model: what judges a system has to be another instrument than the one it was made with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float

from ...audio.resample import resample
from .checks import check_samples

__all__ = ["FACTS", "RATE", "Fact", "MusicFacts", "listen"]

RATE = 16_000
"""Everything is measured at this sample rate, so that files of different rates compare."""

WINDOW, HOP, BANDS = 1024, 256, 80
SLOW_HOP = 2048
LOWEST_PITCH, OCTAVES, BINS = 36, 5, 36
"""Constant-Q transform: from C2 on, with this many bins an octave."""

LONGEST_FILTER = 1.1
"""Seconds that the transform wants at least; shorter pieces are followed by silence."""

DEPTH = 60.0
"""Decibels below the loudest frame at which a frame counts as quiet as can be."""

QUIETEST = -90.0
"""dB; quieter music counts as this loud and has no pitch, brightness or tempo."""

HANN_POWER = 0.375
"""Mean square of a Hann window."""

MAJOR = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
MINOR = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
"""Share of each degree in pieces in major and minor (Albrecht & Shanahan 2013, made to tell the two apart)."""


@dataclass(frozen=True)
class MusicFacts:
    """What is heard in one piece. A fact that the piece has not got is NaN: silence has no brightness.

    Attributes:
        onset_rate: beginnings of notes or strokes a second.
        tempo: beats a minute by the autocorrelation of the onset strength. It often hears half or twice the beat.
        loudness: A-weighted RMS level; a full-scale sine of 1 kHz reads -3 dB.
        dynamics: decibels between the frames that are louder than 10 % and than 95 % of all frames.
        brightness: octaves of the mean spectral centroid above 1 Hz, frames weighted by their amplitude.
        register: MIDI pitch of the peaks of a constant-Q spectrum from C2 to C7, weighted by their amplitude.
        density: how many bins of that spectrum (a third of a semitone each) sound at once: exp of its entropy.
        mode: correlation of the chroma with the best major key less that with the best minor key, -2..2.
    """

    onset_rate: float
    tempo: float
    loudness: float
    dynamics: float
    brightness: float
    register: float
    density: float
    mode: float


@dataclass(frozen=True)
class Fact:
    """How a fact is shown: a title, its unit, and a sentence on what it is not, where there is one."""

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
    "loudness": Fact("Loudness", "dB(A)"),
    "dynamics": Fact("Dynamic range", "dB"),
    "brightness": Fact("Brightness", "octaves"),
    "register": Fact("Register", "semitones"),
    "density": Fact("Density", "bins"),
    "mode": Fact("Mode", "", "Of pieces whose mode is known about three in four are told right."),
}
"""Every field of :class:`MusicFacts`."""


def listen(samples: Float[np.ndarray, " samples"], rate: int) -> MusicFacts:
    """The facts of a mono piece; 10 s take about 50 ms of one processor.

    Args:
        samples: a second or more, in -1..1.
        rate: in hertz.

    Raises:
        AudioError: a piece shorter than a second, or samples that are not finite.
    """
    check_samples(samples, rate)
    sound = resample(torch.from_numpy(np.asarray(samples, np.float32)), rate, RATE).numpy()
    spectrum = _amplitudes(sound)
    loudness = _loudness(spectrum)
    if loudness <= QUIETEST:
        nothing = dict.fromkeys((field.name for field in fields(MusicFacts)), math.nan)
        return MusicFacts(**{**nothing, "onset_rate": 0.0, "loudness": QUIETEST, "dynamics": 0.0})
    onset_rate, tempo = _pulse(spectrum, len(sound) / RATE)
    register, density, mode = _pitches(sound)
    return MusicFacts(
        onset_rate=onset_rate,
        tempo=tempo,
        loudness=loudness,
        dynamics=_dynamics(spectrum),
        brightness=_brightness(spectrum),
        register=register,
        density=density,
        mode=mode,
    )


def _amplitudes(sound: np.ndarray) -> np.ndarray:
    """The one magnitude spectrogram that all but the pitches are read from, [bins, frames]."""
    import librosa  # noqa: PLC0415 - of the `eval` extra

    return np.abs(librosa.stft(sound, n_fft=WINDOW, hop_length=HOP))


def _loudness(spectrum: np.ndarray) -> float:
    import librosa  # noqa: PLC0415

    hertz = librosa.fft_frequencies(sr=RATE, n_fft=WINDOW)[1:]
    weights = 10 ** (librosa.A_weighting(hertz, min_db=None) / 10)
    power = 2 * (weights @ (spectrum[1:].astype(np.float64) ** 2).mean(1)) / (HANN_POWER * WINDOW**2)
    return max(QUIETEST, 10 * math.log10(max(float(power), 1e-12)))


def _dynamics(spectrum: np.ndarray) -> float:
    import librosa  # noqa: PLC0415

    amplitude = librosa.feature.rms(S=spectrum, frame_length=WINDOW)[0]
    low, high = np.percentile(librosa.amplitude_to_db(amplitude, ref=np.max, top_db=DEPTH), (10, 95))
    return float(high - low)


def _brightness(spectrum: np.ndarray) -> float:
    import librosa  # noqa: PLC0415

    centroid = librosa.feature.spectral_centroid(S=spectrum, sr=RATE)[0]
    return math.log2(float(np.average(centroid, weights=spectrum.sum(0))))


def _pulse(spectrum: np.ndarray, seconds: float) -> tuple[float, float]:
    """Onset rate and tempo, from one onset strength (Böck & Widmer 2013; Ellis 2007)."""
    import librosa  # noqa: PLC0415

    bands = librosa.feature.melspectrogram(S=spectrum**2, sr=RATE, n_mels=BANDS)
    # relative to the loudest band, so that loudness does not matter
    levels = librosa.power_to_db(bands, ref=np.max)
    strength = librosa.onset.onset_strength(S=levels, sr=RATE)
    found = librosa.onset.onset_detect(onset_envelope=strength, sr=RATE, hop_length=HOP)
    rate = len(found) / seconds
    if len(found) < 2:
        return rate, math.nan
    tempo = librosa.feature.tempo(onset_envelope=strength, sr=RATE, hop_length=HOP)
    return rate, float(tempo[0])


def _pitches(sound: np.ndarray) -> tuple[float, float, float]:
    """Register, density and mode, from one constant-Q spectrum."""
    import librosa  # noqa: PLC0415

    lowest = float(librosa.midi_to_hz(LOWEST_PITCH))
    bins = OCTAVES * BINS
    sound = np.pad(sound, (0, max(0, round(LONGEST_FILTER * RATE) - len(sound))))
    transform = librosa.cqt(
        sound, sr=RATE, hop_length=SLOW_HOP, fmin=lowest, n_bins=bins, bins_per_octave=BINS, tuning=0.0
    )
    spectrum = np.abs(transform).astype(np.float64)
    amplitude = spectrum.sum(0)
    if not amplitude.max() > 0:
        return math.nan, math.nan, math.nan
    pitch = LOWEST_PITCH + np.arange(bins) * 12 / BINS
    peaks = np.where(librosa.util.localmax(spectrum, axis=0), spectrum, 0).sum(1)
    share = spectrum / np.maximum(amplitude, 1e-12)
    entropy = -(share * np.log(np.maximum(share, 1e-12))).sum(0)
    chroma = librosa.feature.chroma_cqt(
        C=spectrum, sr=RATE, fmin=lowest, n_octaves=OCTAVES, bins_per_octave=BINS, tuning=0.0, norm=None
    )
    return (
        float(np.average(pitch, weights=peaks)) if peaks.any() else math.nan,
        math.exp(float(np.average(entropy, weights=amplitude))),
        _mode(chroma.sum(1)),
    )


def _mode(chroma: Float[np.ndarray, " 12"]) -> float:
    """Best fit of any major key less that of any minor key."""
    if not chroma.max() > chroma.min():
        return math.nan
    fits = [[float(np.corrcoef(np.roll(p, key), chroma)[0, 1]) for key in range(12)] for p in (MAJOR, MINOR)]
    return max(fits[0]) - max(fits[1])
