"""Rank correlations with their confidence intervals."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Float64, Int

from .intervals import RESAMPLES, Interval, Paired, bootstrap

__all__ = ["FEWEST", "paired_correlations", "rank_correlation", "spearman"]

FEWEST = 4
"""Least number of artworks for a rank correlation."""


def rank_correlation(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    *,
    groups: Int[np.ndarray, " n"] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return Spearman's rank correlation and its bootstrap interval over artworks; ties share their mean rank.

    Pairs with a NaN are skipped. All values are NaN for fewer than four artworks, or if all x or all y are equal.

    Args:
        x: one value for each piece.
        y: another value for each piece.
        groups: the artwork of each piece, for several takes.
        seed: seed of the bootstrap.
        resamples: number of bootstrap resamples.
    """
    known = ~(np.isnan(x) | np.isnan(y))
    x, y = np.asarray(x[known], np.float64), np.asarray(y[known], np.float64)
    groups = np.arange(len(x)) if groups is None else groups[known]
    if len(np.unique(groups)) < FEWEST:
        return Interval(math.nan)
    return bootstrap(lambda rows: spearman(x[rows], y[rows]), len(x), seed=seed, resamples=resamples, groups=groups)


def paired_correlations(
    x: Float64[np.ndarray, " n"], a: Float64[np.ndarray, " n"], b: Float64[np.ndarray, " n"], *, seed: int = 0
) -> tuple[tuple[float, float], Paired]:
    """Return the rank correlations of `a` and of `b` with `x`, and their comparison over the same artworks.

    Artworks are drawn with replacement, the same for both; p is twice the share of resamples on the smaller side of 0 (Efron
    and Tibshirani 1993, section 15).

    Args:
        x: one value for each artwork.
        a: values of the first system.
        b: values of the second system.
        seed: seed of the bootstrap.
    """
    drawn: list[float] = []

    def difference(rows: Int[np.ndarray, " _"]) -> float:
        drawn.append(spearman(x[rows], a[rows]) - spearman(x[rows], b[rows]))
        return drawn[-1]

    interval = bootstrap(difference, len(x), seed=seed)
    known = np.array(drawn[1:])
    known = known[~np.isnan(known)]
    smaller = min(np.count_nonzero(known <= 0), np.count_nonzero(known >= 0))
    p = min(1.0, 2 * (smaller + 1) / (len(known) + 1))
    return (spearman(x, a), spearman(x, b)), Paired(interval, p, len(x))


def spearman(x: Float64[np.ndarray, " n"], y: Float64[np.ndarray, " n"]) -> float:
    """Return Spearman's rank correlation of values without NaN; NaN if all x or all y are equal."""
    from scipy.stats import rankdata  # noqa: PLC0415 - half a second

    a, b = rankdata(x), rankdata(y)
    a, b = a - a.mean(), b - b.mean()
    spread = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / spread if spread else math.nan
