"""What scorers give, and what several of them need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float64, Int

from ...measure.sets.intervals import Interval, bootstrap
from ..results import Figure, Measure
from ..study import Row, Study

__all__ = ["Found", "by_artwork", "deranged", "figure", "in_errors", "mean_over_artworks", "over"]

ROUNDING = 1e-12
"""A standard error that is smaller, as a share of the value or its control, comes of rounding."""


@dataclass(frozen=True)
class Found:
    """A figure of one row, and the values of its pieces where a piece has one of its own.

    Attributes:
        measure: what it is.
        figure: over the row.
        values: one a piece, in the row's order.
    """

    measure: Measure
    figure: Figure
    values: Sequence[float] | Float[np.ndarray, " pieces"] | None = None


def over(row: Row, part: Row, found: Found) -> Found:
    """What was found of a part of a row, as of the row: its other pieces have no value."""
    if found.values is None or part == row:
        return found
    values = np.full(len(row.pieces), math.nan)
    inside = set(part.pieces)
    values[[piece in inside for piece in row.pieces]] = found.values
    return replace(found, values=values)


def figure(interval: Interval, n: int, control: float = math.nan, gap: float = math.nan) -> Figure:
    """A figure of an interval; what is NaN is left out."""
    ends = (None if math.isnan(each) else each for each in (interval.low, interval.high, control, gap))
    low, high, kept_control, kept_gap = ends
    return Figure(interval.value, n, low, high, kept_control, kept_gap)


def in_errors(value: float, control: float, error: float) -> float:
    """The gap between a value and its control, in standard errors; NaN where nothing varies."""
    varies = error > ROUNDING * max(abs(value), abs(control))
    return (value - control) / error if varies else math.nan


def by_artwork(
    values: Float[np.ndarray, " pieces"], owners: Int[np.ndarray, " pieces"]
) -> Float64[np.ndarray, " artworks"]:
    """Mean over the takes of each artwork, those that are NaN left out; NaN where all are."""
    known = ~np.isnan(values)
    count = int(owners.max()) + 1
    sums = np.bincount(owners[known], values[known], count)
    numbers = np.bincount(owners[known], minlength=count)
    return np.where(numbers > 0, sums / np.maximum(numbers, 1), math.nan)


def mean_over_artworks(study: Study, row: Row, values: Float[np.ndarray, " pieces"]) -> tuple[Interval, int]:
    """The mean over artworks of the means over their takes, its bootstrap interval, and how many artworks have one."""
    means = by_artwork(np.asarray(values, np.float64), row.owners)
    known = means[~np.isnan(means)]
    if not known.size:
        return Interval(math.nan), 0
    interval = bootstrap(lambda rows: float(known[rows].mean()), len(known), seed=study.seed, resamples=study.resamples)
    return replace(interval, value=float(known.mean())), len(known)


def deranged(owners: Int[np.ndarray, " pieces"], seed: int) -> Int[np.ndarray, " artworks"] | None:
    """Another artwork for each artwork, drawn evenly from all ways in which none keeps its own; None for one artwork."""
    count = int(owners.max()) + 1
    if count < 2:
        return None
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(count)
        if (order != np.arange(count)).all():
            return order
