"""Similarity of pieces and artworks in an embedding space, compared with wrong pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int

from ...errors import EvaluationError
from .intervals import RESAMPLES, Interval, bootstrap
from .rows import DIGITS, check_rows, cosines, distinct

__all__ = ["Agreement", "agreement", "forced_choice"]


@dataclass(frozen=True)
class Agreement:
    """Cosines of pairs and of wrong pairs.

    Attributes:
        per_pair: cosine of each pair.
        value: mean over artworks of the means over their takes.
        low: lower end of the value's 95 % bootstrap interval over artworks.
        high: upper end of the interval.
        control: mean cosine of each piece with the other artworks; NaN for one artwork.
        gap: (value - control) in standard errors; NaN for one artwork, or if all artworks are equal.
    """

    per_pair: Float64[np.ndarray, " n"]
    value: float
    low: float
    high: float
    control: float
    gap: float


def agreement(
    a: Float[np.ndarray, "n dim"],
    b: Float[np.ndarray, "_ _"],
    *,
    groups: Int[np.ndarray, " n"] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Agreement:
    """Compare the mean cosine of pairs with that of all wrong pairs, as in ImageBindScore and CLAP score with a control.

    With c_ij the cosine of artwork i and piece j, and m_j the mean of c_ij over the other artworks (other takes of one
    artwork are not wrong pairs), all averaged over takes first and over artworks second:

        value = mean c_jj,  control = mean m_j,  gap = mean d / (std d / sqrt n),  d_j = c_jj - m_j

    The control is the expectation over all permutations of artworks. The spread is that of differences within a piece, so
    pieces that are similar to every artwork, or to none, do not inflate it.

    Args:
        a: embeddings of the artworks (or captions, or reference music), one for each piece.
        b: embeddings of the pieces.
        groups: the artwork of each pair, for several takes.
        seed: seed of the bootstrap.
        resamples: number of bootstrap resamples.

    Raises:
        EvaluationError: no pairs, unequal lengths or widths, zeros, or values that are not finite.
    """
    cosines, numbers, artworks = _cosines(a, b, groups)
    own = np.diagonal(cosines)
    values = _mean_by(own, numbers, artworks)
    interval = bootstrap(lambda rows: float(values[rows].mean()), artworks, seed=seed, resamples=resamples)
    if artworks < 2:
        return Agreement(own.copy(), interval.value, interval.low, interval.high, math.nan, math.nan)
    by_artwork = _by_artwork(cosines, numbers, artworks)
    right = by_artwork[numbers, np.arange(len(own))]
    wrong = _mean_by((by_artwork.sum(0) - right) / (artworks - 1), numbers, artworks)
    differences = values - wrong
    error = differences.std(ddof=1) / math.sqrt(artworks)
    # rounding errors do not count as a spread
    gap = float(differences.mean() / error) if error > 1e-14 else math.nan
    return Agreement(own.copy(), interval.value, interval.low, interval.high, float(wrong.mean()), gap)


def forced_choice(
    a: Float[np.ndarray, "n dim"],
    b: Float[np.ndarray, "_ _"],
    *,
    groups: Int[np.ndarray, " n"] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return the share of other artworks that are less similar to a piece than its own artwork; 0.5 by chance.

    This is the two-alternative forced choice of psychophysics (Green and Swets 1966); equal cosines count half. Arguments
    as for :func:`agreement`.

    Raises:
        EvaluationError: a single artwork, or as :func:`agreement`.
    """
    cosines, numbers, artworks = _cosines(a, b, groups)
    if artworks < 2:
        raise EvaluationError("one artwork", "at least two", "Add artworks.")
    by_artwork = np.round(_by_artwork(cosines, numbers, artworks), DIGITS)
    own = by_artwork[numbers, np.arange(len(numbers))]
    # subtract the half win against its own artwork
    wins = (by_artwork < own).sum(0) + 0.5 * (by_artwork == own).sum(0) - 0.5
    shares = _mean_by(wins / (artworks - 1), numbers, artworks)
    return bootstrap(lambda rows: float(shares[rows].mean()), artworks, seed=seed, resamples=resamples)


def _cosines(
    a: np.ndarray, b: np.ndarray, groups: np.ndarray | None
) -> tuple[Float64[np.ndarray, "n n"], Int[np.ndarray, " n"], int]:
    if len(a) != len(b):
        raise EvaluationError(f"{len(a)} and {len(b)} embeddings", "equal numbers", "Pair them first.")
    a, b = check_rows(a, b, least=1)
    numbers, artworks = distinct(groups, len(a))
    return cosines(a, b), numbers, artworks


def _by_artwork(cosines: np.ndarray, numbers: np.ndarray, artworks: int) -> Float64[np.ndarray, "artworks n"]:
    """Average the rows of each artwork: the cosine of each artwork with each piece."""
    belongs = np.arange(artworks)[:, None] == numbers
    return np.asarray(belongs @ cosines / belongs.sum(1, keepdims=True))


def _mean_by(values: np.ndarray, numbers: np.ndarray, artworks: int) -> Float64[np.ndarray, " artworks"]:
    return np.asarray(np.bincount(numbers, values, artworks) / np.bincount(numbers, minlength=artworks))
