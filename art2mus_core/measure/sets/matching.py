"""Does a piece lie near its own artwork in an embedder's space, and nearer than to other artworks?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from ...errors import EvaluationError
from .intervals import RESAMPLES, Interval, bootstrap
from .rows import DIGITS, check_rows, distinct, unit

__all__ = ["Agreement", "agreement", "forced_choice"]


@dataclass(frozen=True)
class Agreement:
    """Cosines of pairs.

    Attributes:
        per_pair: the cosine of each pair.
        value: mean over artworks (of the means over each one's takes).
        low: lower end of its 95 % bootstrap interval over artworks.
        high: its upper end.
        control: mean cosine of each piece with the other artworks; NaN where there is only one artwork.
        gap: (value - control) in standard errors; NaN for fewer than two artworks, or where no two artworks differ.
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
    """The mean cosine of pairs against that of all wrong pairs: ImageBindScore and CLAP score with their control.

    With c_ij the cosine of artwork i and piece j, and m_j the mean of c_ij over the other artworks (the takes of one
    artwork are no wrong pair), and everything averaged over takes before it is over artworks:

        value = mean c_jj,  control = mean m_j,  gap = mean d / (std d / sqrt n),  d_j = c_jj - m_j

    The control is the expectation over all ways to exchange artworks, not one shuffling of them. Differences of one
    piece are taken before their spread is: pieces that are near to every artwork, or to none, don't blur the gap.

    Args:
        a: embeddings of the artworks (or captions, or reference music), one a piece.
        b: embeddings of the pieces.
        groups: the artwork of each pair, for several takes.
        seed: of the bootstrap.
        resamples: of the bootstrap.

    Raises:
        EvaluationError: no pairs, not as many `a` as `b`, different widths, zeros, or values that are not finite.
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
    # a spread of rounding errors is no spread
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
    """How often a piece is nearer to its own artwork than to another one, over all others; 0.5 by chance.

    The two-alternative forced choice of psychophysics (Green and Swets 1966); equal cosines count half. Arguments and
    errors are those of :func:`agreement`.

    Raises:
        EvaluationError: also for a single artwork.
    """
    cosines, numbers, artworks = _cosines(a, b, groups)
    if artworks < 2:
        raise EvaluationError("one artwork", "at least two to choose from", "Give more artworks.")
    by_artwork = np.round(_by_artwork(cosines, numbers, artworks), DIGITS)
    own = by_artwork[numbers, np.arange(len(numbers))]
    # its own artwork is among them, as half a win: it is taken out again
    wins = (by_artwork < own).sum(0) + 0.5 * (by_artwork == own).sum(0) - 0.5
    shares = _mean_by(wins / (artworks - 1), numbers, artworks)
    return bootstrap(lambda rows: float(shares[rows].mean()), artworks, seed=seed, resamples=resamples)


def _cosines(
    a: np.ndarray, b: np.ndarray, groups: np.ndarray | None
) -> tuple[Float64[np.ndarray, "n n"], Int[np.ndarray, " n"], int]:
    if len(a) != len(b):
        raise EvaluationError(f"{len(a)} and {len(b)} embeddings", "one of each a pair", "Pair them first.")
    a, b = check_rows(a, b, least=1)
    numbers, artworks = distinct(groups, len(a))
    return unit(a) @ unit(b).T, numbers, artworks


def _belongs(numbers: np.ndarray, artworks: int) -> Bool[np.ndarray, "artworks n"]:
    return np.arange(artworks)[:, None] == numbers


def _by_artwork(cosines: np.ndarray, numbers: np.ndarray, artworks: int) -> Float64[np.ndarray, "artworks n"]:
    """Each piece's cosine with each artwork: rows that stand for one artwork are averaged."""
    belongs = _belongs(numbers, artworks)
    return np.asarray(belongs @ cosines / belongs.sum(1, keepdims=True))


def _mean_by(values: np.ndarray, numbers: np.ndarray, artworks: int) -> Float64[np.ndarray, " artworks"]:
    return np.asarray(np.bincount(numbers, values, artworks) / np.bincount(numbers, minlength=artworks))
