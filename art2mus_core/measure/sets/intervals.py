"""Bootstrap confidence intervals, paired comparisons and the correction for multiple tests."""

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
    """A value and its confidence interval.

    Attributes:
        value: the statistic of all rows.
        low: lower end of the 95 % interval; NaN without one.
        high: upper end of the 95 % interval.
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
        p: two-sided p-value of Wilcoxon's signed-rank test; 1 if no pair differs.
        n: number of pairs without NaN.
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
    """Compute a percentile bootstrap interval (Efron 1979).

    Artworks are drawn with replacement, each with all its takes, as takes of one artwork are not independent. Resamples with
    a statistic of NaN are skipped; there is no interval if more than half are, or for fewer than two artworks.

    Repeated rows reduce the spread of a set: distances between sets (Frechet, kernel) grow, so their callers shift the
    interval back to the value.

    Args:
        statistic: function of row numbers, which may repeat.
        count: number of rows.
        seed: seed of the resampling.
        resamples: number of resamples.
        groups: the artwork of each row; None if every row has its own.

    Raises:
        EvaluationError: no rows, or `groups` of another length.
    """
    if count < 1:
        raise EvaluationError("no values", "at least one", "Measure at least one piece.")
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
        # offset of each artwork's rows in `order` relative to their position in the resample
        shift = np.repeat(starts[chosen] - (np.cumsum(taken) - taken), taken)
        drawn[step] = statistic(order[shift + np.arange(len(shift))])
    known = drawn[~np.isnan(drawn)]
    if 2 * len(known) < resamples:
        return Interval(value)
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high), float(known.std(ddof=1)))


def paired(a: Float[np.ndarray, " n"], b: Float[np.ndarray, " n"], *, seed: int = 0) -> Paired:
    """Compare two systems with one value for each artwork; pairs with a NaN are skipped.

    Raises:
        EvaluationError: no pair without NaN.
    """
    differences = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    differences = differences[~np.isnan(differences)]
    if not differences.size:
        raise EvaluationError("no pair of values", "at least one", "Measure both systems on the same artworks.")
    interval = bootstrap(lambda rows: float(differences[rows].mean()), len(differences), seed=seed)
    if not differences.any():
        return Paired(interval, 1.0, len(differences))
    from scipy.stats import wilcoxon  # noqa: PLC0415 - half a second

    return Paired(interval, float(wilcoxon(differences).pvalue), len(differences))


def holm(p: Float[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """Adjust p-values for multiple tests (Holm 1979), so that the chance of any false positive stays at the level.

    NaN does not count as a test and stays NaN.
    """
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = np.arange(len(order), 0, -1) * p[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted
