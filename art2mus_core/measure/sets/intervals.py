"""Confidence intervals, paired comparisons, and the price of making many of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int

from ...errors import EvaluationError
from .rows import distinct

__all__ = ["RESAMPLES", "Interval", "Paired", "bootstrap", "holm", "paired"]

RESAMPLES = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A value and where it may lie.

    Attributes:
        value: of the statistic, on everything.
        low: lower end of the 95 % interval; NaN where there is none.
        high: its upper end.
        error: standard error.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    error: float = math.nan


@dataclass(frozen=True)
class Paired:
    """The comparison of two systems on the same artworks.

    Attributes:
        difference: mean of a - b.
        p: two-sided, of Wilcoxon's signed-rank test; 1 where no pair differs.
        n: pairs of which both values are known.
    """

    difference: Interval
    p: float
    n: int


def bootstrap(
    statistic: Callable[[Int[np.ndarray, " _"]], float],
    count: int,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    groups: Int[np.ndarray, " count"] | None = None,
) -> Interval:
    """The percentile bootstrap (Efron 1979).

    Whole artworks are drawn with replacement, each with all its takes: the takes of one artwork are not independent.
    Resamples of which the statistic is NaN are left out; if they are more than half, or if there are fewer than two
    artworks, there is no interval.

    Rows that were drawn twice narrow a set: distances between sets (Frechet, kernel) grow by it, and their interval has to
    be moved back to the value.

    Args:
        statistic: of the rows whose numbers it is given; a number that was drawn twice comes twice.
        count: rows.
        seed: of the draws.
        resamples: draws.
        groups: the artwork of each row; each row is its own where None.

    Raises:
        EvaluationError: no rows, or not one group a row.
    """
    if count < 1:
        raise EvaluationError("no values", "at least one", "Give something to measure.")
    numbers, artworks = distinct(groups, count)
    value = float(statistic(np.arange(count)))
    if artworks < 2:
        return Interval(value)
    order = np.argsort(numbers, kind="stable")
    sizes = np.bincount(numbers, minlength=artworks)
    starts = np.cumsum(sizes) - sizes
    rng = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    for step in range(resamples):
        chosen = rng.integers(artworks, size=artworks)
        taken = sizes[chosen]
        # where each artwork's rows begin in `order`, less where they begin in the resample
        shift = np.repeat(starts[chosen] - (np.cumsum(taken) - taken), taken)
        drawn[step] = statistic(order[shift + np.arange(len(shift))])
    known = drawn[~np.isnan(drawn)]
    if 2 * len(known) < resamples:
        return Interval(value)
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high), float(known.std(ddof=1)))


def paired(a: Float[np.ndarray, " n"], b: Float[np.ndarray, " n"], *, seed: int = 0) -> Paired:
    """Is `a` more than `b`? One value an artwork each; pairs with a NaN are left out.

    Raises:
        EvaluationError: no pair is left.
    """
    differences = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    differences = differences[~np.isnan(differences)]
    if not differences.size:
        raise EvaluationError("no pair of values", "at least one", "Measure both systems on the same artworks.")
    interval = bootstrap(lambda rows: float(differences[rows].mean()), len(differences), seed=seed)
    return Paired(interval, _signed_rank(differences), len(differences))


def _signed_rank(differences: Float64[np.ndarray, " n"]) -> float:
    if not differences.any():
        return 1.0
    from scipy.stats import wilcoxon  # noqa: PLC0415 - half a second

    return float(wilcoxon(differences).pvalue)


def holm(p: Float[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """The p-values times what asking so often costs (Holm 1979): with these, the chance of any false finding is kept.

    A NaN is no test, and stays NaN.
    """
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = np.arange(len(order), 0, -1) * p[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted
