"""Kullback-Leibler divergences: of a classifier's class probabilities, and of spectra as Art2Mus 2024 defined it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64

from ...audio.filters import hann
from ...errors import EvaluationError
from .spectrograms import check_sounds, power_spectrogram

__all__ = ["kl_of_classes", "spectral_kl_2024"]

EPSILON = 1e-6
"""Added to every probability before normalisation, so that classes of probability 0 have a finite cost."""

SIZE, HOP = 2048, 512
RANGE = 80.0


def kl_of_classes(
    reference: Float[np.ndarray, "n classes"], generated: Float[np.ndarray, "_ _"]
) -> Float64[np.ndarray, " n"]:
    """Return KL(reference || generated) of the class probabilities of each pair of sounds, in nats.

    The published KL is the mean over pairs, with one classifier for both (AudioGen, Kreuk et al. 2023; AudioLDM, Liu et al.
    2023); values of different classifiers are not comparable.

    Raises:
        EvaluationError: rows that are not probabilities, or sets of different shapes.
    """
    if reference.shape != generated.shape:
        raise EvaluationError(
            f"probabilities of shapes {reference.shape} and {generated.shape}", "one shape", "Pair the sounds first."
        )
    for rows in (reference, generated):
        # a softmax in float32 sums to 1 within about 1e-6
        if not (np.all(rows >= 0) and np.allclose(rows.sum(1), 1, atol=1e-3)):
            raise EvaluationError(
                "rows that are not probabilities", "numbers above 0 that sum to 1", "Apply a softmax to the logits."
            )
    p, q = (np.asarray(rows, np.float64) + EPSILON for rows in (reference, generated))
    return np.asarray(_divergence(p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True)))


def spectral_kl_2024(reference: Float[np.ndarray, " samples"], generated: Float[np.ndarray, " samples_"]) -> float:
    """Return the KL of Art2Mus 2024 (arXiv 2410.04906), as its published code computes it; at least 0, in nats.

    The code takes the power of an STFT (2048, 512) for an amplitude, converts it to decibels below its peak, clips at -80,
    sums over frames, normalises over frequencies and treats the result as a distribution: KL(reference || generated). All
    values are negative before normalisation, so quiet frequencies weigh most. It is not a divergence of sounds or classes
    and is comparable with no other measure.

    Both sounds need one rate here; the authors read each at its own.

    Raises:
        EvaluationError: a sound is shorter than half a window, silent, or has samples that are not finite.
    """
    shares = []
    for sound in check_sounds(reference, generated, least=SIZE // 2 + 1):
        power = power_spectrogram(np.pad(sound, SIZE // 2), hann(SIZE), HOP)
        loudest = float(power.max())
        if loudest <= 1e-5:
            raise EvaluationError("a silent sound", "one with a spectrum", "Leave it out.")
        decibels = np.maximum(20 * np.log10(np.maximum(power, 1e-5) / loudest), -RANGE).sum(0)
        shares.append(decibels / decibels.sum())
    return float(_divergence(*shares))


def _divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the sum of p log(p / q) over the last axis; terms with p = 0 are 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log(p / q), 0.0)
    return np.asarray(terms.sum(-1))
