"""How far one sound is from another: spectra, mel spectrograms and several resolutions. See also `cepstra`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from .cepstra import mel_cepstral_distances
from .spectrograms import check_sounds, hann, mel_filters, power_spectrogram

__all__ = ["Distances", "distances", "log_spectral_distance", "mel_cosine", "multi_resolution_distance"]

SIZE, HOP = 1024, 256
"""Of the Hann windows of the log-spectral distance and the mel cosine, samples."""

FLOOR = 1e-10
"""Of the power spectrum, where a sine of amplitude 1 reads 1."""

MEL_ROWS, MEL_HIGHEST, MEL_RANGE = 80, 8000.0, 80.0
"""Art2Music's mel rows and highest frequency in hertz; decibels."""

RESOLUTIONS = ((1024, 600, 120), (2048, 1200, 240), (512, 240, 50))
"""FFT, window and hop in samples (Yamamoto et al. 2020, table 1)."""

LEAST_POWER = 1e-7

FRAMES_AT_ONCE = 64
"""So many spectra stay in a processor's cache: half as long again without."""

Sound = Float64[np.ndarray, " samples"]
Power = Float64[np.ndarray, "frames bins"]


@dataclass(frozen=True)
class Distances:
    """Between a sound and its reference.

    Attributes:
        log_spectral: decibels; :func:`log_spectral_distance`.
        mel_cepstral: :func:`.cepstra.mel_cepstral_distance`.
        mel_cepstral_warped: the same, warped in time.
        mel_cosine: 1 for equal spectrograms; :func:`mel_cosine`.
        multi_resolution: :func:`multi_resolution_distance`.
    """

    log_spectral: float
    mel_cepstral: float
    mel_cepstral_warped: float
    mel_cosine: float
    multi_resolution: float


def distances(
    generated: Float[np.ndarray, " samples"], reference: Float[np.ndarray, " samples_"], rate: int
) -> Distances:
    """All of them, from as few transforms as they need.

    Both are mono, of one rate in hertz, and cut to the shorter. Silence stays silence: it is far, not undefined.

    Raises:
        EvaluationError: a sound shorter than a window, or with samples that are not finite.
    """
    a, b = _pair(generated, reference, least=max(fft for fft, _, _ in RESOLUTIONS) // 2 + 1)
    powers = _power(a), _power(b)
    return Distances(
        _log_spectral(*powers),
        *mel_cepstral_distances(a, b, rate),
        _mel_cosine(*powers, rate),
        _multi_resolution(a, b),
    )


def log_spectral_distance(a: Float[np.ndarray, " samples"], b: Float[np.ndarray, " samples_"]) -> float:
    """LSD in decibels (Gray and Markel 1976): root of the mean over frequencies of squared differences, mean over frames.

        mean_t sqrt(mean_f (10 log10 A_tf - 10 log10 B_tf)^2)

    A and B are power spectra of Hann windows (1024, hop 256) at which a sine of amplitude 1 reads 1, not below 1e-10. Level
    counts: half the amplitude is 6 dB.

    Raises:
        EvaluationError: fewer samples than a window, or samples that are not finite.
    """
    return _log_spectral(*map(_power, _pair(a, b, least=SIZE)))


def mel_cosine(a: Float[np.ndarray, " samples"], b: Float[np.ndarray, " samples_"], rate: int) -> float:
    """Mean over frames of the cosine of two mel spectrograms: 1 for equal ones, 0 or more.

    Art2Music (arXiv 2512.00120) reports a cosine similarity and makes mel spectrograms; of which numbers is not
    said. Here they are the decibels of 80 mel rows up to 8 kHz (or half the rate) above a floor that lies 80 dB below the sound's
    loudest, so that none is negative and level doesn't count. Where one sound is at its floor and the other is not, a
    frame counts 0; where both are, 1.

    Raises:
        EvaluationError: fewer samples than a window, or samples that are not finite.
    """
    first, second = _pair(a, b, least=SIZE)
    return _mel_cosine(_power(first), _power(second), rate)


def multi_resolution_distance(
    generated: Float[np.ndarray, " samples"], reference: Float[np.ndarray, " samples_"]
) -> float:
    """Spectral convergence + mean |log magnitude difference|, averaged over three STFTs (Yamamoto et al. 2020, eq. 4-6).

        |B - A|_F / |B|_F + mean |log B - log A|,  B of the reference, A of the generated sound

    As in Parallel WaveGAN's loss: reflected ends, Hann windows, powers of at least 1e-7.

    Raises:
        EvaluationError: no more samples than half the longest FFT, or samples that are not finite.
    """
    return _multi_resolution(*_pair(generated, reference, least=max(fft for fft, _, _ in RESOLUTIONS) // 2 + 1))


def _pair(a: np.ndarray, b: np.ndarray, *, least: int) -> tuple[Sound, Sound]:
    count = min(len(a), len(b))
    first, second = check_sounds(a[:count], b[:count], least=least)
    return first, second


def _power(sound: Sound) -> Power:
    window = hann(SIZE)
    return power_spectrogram(sound, window * (2 / window.sum()), HOP)


def _log_spectral(a: Power, b: Power) -> float:
    difference = 10 * np.log10(np.maximum(a, FLOOR) / np.maximum(b, FLOOR))
    return float(np.sqrt(np.mean(difference**2, axis=1)).mean())


def _mel_cosine(a: Power, b: Power, rate: int) -> float:
    filters = mel_filters(rate, SIZE, MEL_ROWS, min(MEL_HIGHEST, rate / 2))
    first, second = (_above_floor(power @ filters.T) for power in (a, b))
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    both_silent = ~(first.any(1) | second.any(1))
    cosines = np.where(both_silent, 1.0, np.sum(first * second, axis=1) / np.where(lengths > 0, lengths, 1.0))
    return float(np.minimum(cosines, 1).mean())


def _above_floor(mels: Float64[np.ndarray, "frames rows"]) -> Float64[np.ndarray, "frames rows"]:
    """Decibels above a floor that lies below the loudest; nothing is above it in a sound that is silent."""
    shares = mels / (mels.max() or 1.0)
    return np.asarray(10 * np.log10(np.maximum(shares, 10 ** (-MEL_RANGE / 10))) + MEL_RANGE)


def _multi_resolution(generated: Sound, reference: Sound) -> float:
    return sum(_one_resolution(generated, reference, *resolution) for resolution in RESOLUTIONS) / len(RESOLUTIONS)


def _one_resolution(generated: Sound, reference: Sound, fft: int, size: int, hop: int) -> float:
    # the sound reflected at its ends; zeros on both sides of a short window turn phases only, and are left out
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
