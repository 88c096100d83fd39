"""Distances between two sounds: spectra, mel spectrograms and STFTs of several resolutions. See also `cepstra`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from ...audio.filters import hann
from .cepstra import WINDOW, mel_cepstral_distances
from .spectrograms import check_sounds, mel_filters, power_spectrogram

__all__ = ["Distances", "distances"]

SIZE, HOP = 1024, 256
"""Hann window and hop of the log-spectral distance and the mel cosine, in samples."""

FLOOR = 1e-10
"""Least power, relative to a sine of amplitude 1."""

MEL_ROWS, MEL_HIGHEST, MEL_RANGE = 80, 8000.0, 80.0
"""Art2Music's mel rows and highest frequency in hertz; decibels."""

RESOLUTIONS = ((1024, 600, 120), (2048, 1200, 240), (512, 240, 50))
"""FFT, window and hop in samples (Yamamoto et al. 2020, table 1)."""

LEAST_POWER = 1e-7

FRAMES_AT_ONCE = 64
"""Spectra that fit a processor's cache; without blocks the distance takes half as long again."""

Sound = Float64[np.ndarray, " samples"]
Power = Float64[np.ndarray, "frames bins"]


@dataclass(frozen=True)
class Distances:
    """Distances of a sound from its reference.

    Attributes:
        log_spectral: log-spectral distance in decibels.
        mel_cepstral: mel-cepstral distance.
        mel_cepstral_warped: mel-cepstral distance after dynamic time warping.
        mel_cosine: cosine similarity of mel spectrograms; 1 for equal ones, at least 0.
        multi_resolution: multi-resolution STFT distance.
    """

    log_spectral: float
    mel_cepstral: float
    mel_cepstral_warped: float
    mel_cosine: float
    multi_resolution: float


def distances(
    generated: Float[np.ndarray, " samples"], reference: Float[np.ndarray, " samples_"], rate: int
) -> Distances:
    """Return all distances of two mono sounds of one rate in hertz, cut to the shorter. Silence has a large distance, not an undefined one.

    Raises:
        EvaluationError: a sound is shorter than a window or has samples that are not finite.
    """
    count = min(len(generated), len(reference))
    least = 1 + max(int(WINDOW * rate), *(fft // 2 for fft, _, _ in RESOLUTIONS))
    a, b = check_sounds(generated[:count], reference[:count], least=least)
    window = hann(SIZE)
    first, second = (power_spectrogram(sound, window * (2 / window.sum()), HOP) for sound in (a, b))
    return Distances(
        _log_spectral(first, second),
        *mel_cepstral_distances(a, b, rate),
        _mel_cosine(first, second, rate),
        sum(_one_resolution(a, b, *resolution) for resolution in RESOLUTIONS) / len(RESOLUTIONS),
    )


def _log_spectral(a: Power, b: Power) -> float:
    """Return the LSD in decibels (Gray and Markel 1976).

        mean_t sqrt(mean_f (10 log10 A_tf - 10 log10 B_tf)^2)

    A and B are power spectra of at least 1e-10, 1 for a sine of amplitude 1. Level counts: half the amplitude is 6 dB.
    """
    difference = 10 * np.log10(np.maximum(a, FLOOR) / np.maximum(b, FLOOR))
    return float(np.sqrt(np.mean(difference**2, axis=1)).mean())


def _mel_cosine(a: Power, b: Power, rate: int) -> float:
    """Return the mean over frames of the cosine of two mel spectrograms.

    Art2Music (arXiv 2512.00120) reports a cosine similarity of mel spectrograms without its details. Here they are the
    decibels of 80 mel rows up to 8 kHz (or half the rate) above a floor 80 dB below the sound's maximum, so that no value
    is negative and level does not count. A frame in which one sound is at its floor counts 0; if both are, 1.
    """
    filters = mel_filters(rate, SIZE, MEL_ROWS, min(MEL_HIGHEST, rate / 2))
    first, second = (_above_floor(power @ filters.T) for power in (a, b))
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    both_silent = ~(first.any(1) | second.any(1))
    cosines = np.where(both_silent, 1.0, np.sum(first * second, axis=1) / np.where(lengths > 0, lengths, 1.0))
    return float(np.minimum(cosines, 1).mean())


def _above_floor(mels: Float64[np.ndarray, "frames rows"]) -> Float64[np.ndarray, "frames rows"]:
    """Return decibels above the floor; 0 everywhere for silence."""
    shares = mels / (mels.max() or 1.0)
    return np.asarray(10 * np.log10(np.maximum(shares, 10 ** (-MEL_RANGE / 10))) + MEL_RANGE)


def _one_resolution(generated: Sound, reference: Sound, fft: int, size: int, hop: int) -> float:
    """Return spectral convergence + mean |log magnitude difference| of one STFT (Yamamoto et al. 2020, eq. 4-6).

        |B - A|_F / |B|_F + mean |log B - log A|,  B of the reference, A of the generated sound

    As in Parallel WaveGAN's loss: reflected ends, Hann windows, powers of at least 1e-7.
    """
    # zeros on both sides of a short window only shift phases, and are left out
    padded = [np.pad(sound, fft // 2, mode="reflect") for sound in (generated, reference)]
    trimmed = [sound[(fft - size) // 2 : len(sound) - (fft - size) // 2] for sound in padded]
    count = 1 + (len(trimmed[0]) - size) // hop
    difference = energy = logarithms = 0.0
    for start in range(0, count, FRAMES_AT_ONCE):
        part = slice(start * hop, (min(start + FRAMES_AT_ONCE, count) - 1) * hop + size)
        powers = (power_spectrogram(sound[part], hann(size), hop, length=fft) for sound in trimmed)
        a, b = (np.sqrt(np.maximum(power, LEAST_POWER)) for power in powers)
        difference += float(np.sum((b - a) ** 2))
        energy += float(np.sum(b**2))
        logarithms += float(np.abs(np.log(b / a)).sum())
    return (difference / energy) ** 0.5 + logarithms / (count * (fft // 2 + 1))
