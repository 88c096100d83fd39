"""The score that scorers return, and statistics over artworks that they share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float64, Int

from ...measure.sets.intervals import Interval, bootstrap
from ..records import SystemGroup
from ..results import Measure, Result
from ..study import Study

__all__ = ["Score", "averaged", "by_artwork", "deranged", "in_errors", "result_of", "widened"]

ROUNDING = 1e-12
"""A standard error that is smaller, as a share of the value or its control, is a rounding error."""


@dataclass(frozen=True)
class Score:
    """The result of one measure for a system and group.

    Attributes:
        measure: the measure.
        result: over all pieces.
        values: one for each piece, in their order, if the measure has values for single pieces.
    """

    measure: Measure
    result: Result
    values: Sequence[float] | Float[np.ndarray, " pieces"] | None = None


def widened(group: SystemGroup, part: SystemGroup, scores: Iterator[Score]) -> Iterator[Score]:
    """Scores of a part of a group as scores of the group: its other pieces have the value NaN."""
    inside = set(part.pieces)
    for score in scores:
        if score.values is not None and part != group:
            values = np.full(len(group.pieces), math.nan)
            values[[piece in inside for piece in group.pieces]] = score.values
            yield replace(score, values=values)
        else:
            yield score


def result_of(interval: Interval, n: int, control: float = math.nan, gap: float = math.nan) -> Result:
    """The result of an interval; numbers that are NaN are left out."""
    ends = (None if math.isnan(each) else each for each in (interval.low, interval.high, control, gap))
    low, high, kept_control, kept_gap = ends
    return Result(interval.value, n, low, high, kept_control, kept_gap)


def in_errors(value: float, control: float, error: float) -> float:
    """The gap between a value and its control, in standard errors; NaN where nothing varies."""
    varies = error > ROUNDING * max(abs(value), abs(control))
    return (value - control) / error if varies else math.nan


def by_artwork(
    values: Float[np.ndarray, " pieces"], owners: Int[np.ndarray, " pieces"]
) -> Float64[np.ndarray, " artworks"]:
    """The mean over the takes of each artwork, without those that are NaN; NaN where all are."""
    known = ~np.isnan(values)
    count = int(owners.max()) + 1
    sums = np.bincount(owners[known], values[known], count)
    numbers = np.bincount(owners[known], minlength=count)
    return np.where(numbers > 0, sums / np.maximum(numbers, 1), math.nan)


def averaged(
    study: Study,
    group: SystemGroup,
    measure: Measure,
    values: Sequence[float] | np.ndarray,
    others: Sequence[float] | np.ndarray = (),
) -> Score:
    """The mean over artworks of the means over their takes, with its bootstrap interval and the number of artworks.

    Args:
        study: has the seed and number of resamples.
        group: the pieces.
        measure: the measure.
        values: one for each piece; NaN where there is none.
        others: the control, each piece's value with another artwork; the gap is in standard errors of the difference.
    """
    given = np.asarray(values, np.float64)
    means = by_artwork(given, group.owners)
    known = means[~np.isnan(means)]
    if not known.size:
        return Score(measure, Result(math.nan, 0), given)
    interval = bootstrap(lambda rows: float(known[rows].mean()), len(known), seed=study.seed, resamples=study.resamples)
    control = _control(means, by_artwork(np.asarray(others), group.owners)) if len(others) else ()
    return Score(measure, result_of(replace(interval, value=float(known.mean())), len(known), *control), given)


def _control(means: Float64[np.ndarray, " n"], others: Float64[np.ndarray, " n"]) -> tuple[float, float]:
    """The mean of the control and the gap to it, over artworks that have both values; NaN if none has."""
    both = ~np.isnan(means - others)
    if not both.any():
        return math.nan, math.nan
    error = float((means - others)[both].std(ddof=1)) / math.sqrt(both.sum()) if both.sum() > 1 else math.nan
    control = float(others[both].mean())
    return control, in_errors(float(means[both].mean()), control, error)


def deranged(owners: Int[np.ndarray, " pieces"], seed: int) -> Int[np.ndarray, " artworks"] | None:
    """Another artwork for each artwork, drawn uniformly from all derangements; None for a single artwork."""
    count = int(owners.max()) + 1
    if count < 2:
        return None
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(count)
        if (order != np.arange(count)).all():
            return order
