"""Paired tests of two systems, artwork by artwork, over two reports."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from ..errors import EvaluationError
from ..measure.sets.correlation import paired_correlations
from ..measure.sets.intervals import Interval, Paired, holm, paired
from ..naming import TAKE
from .results import Measure, Report

__all__ = ["ALPHA", "FEWEST", "Comparison", "compare"]

ALPHA = 0.05
"""Family-wise error rate, over all measures together."""

FEWEST = 6
"""With fewer artworks no p-value of a signed-rank test is below `ALPHA`: the least for n is 2 / 2^n."""


Means = Float64[np.ndarray, " values"]


@dataclass(frozen=True)
class Comparison:
    """One measure of two systems on the same artworks.

    Attributes:
        measure: the measure.
        n: number of artworks for which both systems have a value.
        a: mean of the first system over these artworks.
        b: mean of the second.
        difference: mean of a - b.
        low: lower end of its 95 % bootstrap interval over artworks; NaN without an interval.
        high: its upper end.
        p: two-sided p-value of Wilcoxon's signed-rank test.
        adjusted: p after Holm's correction for all measures compared.
        verdict: the outcome as text.
    """

    measure: Measure
    n: int
    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float
    adjusted: float
    verdict: str


def compare(
    a: Report, b: Report, systems: tuple[str, str], *, seed: int = 0, everything: bool = False
) -> list[Comparison]:
    """Compare two systems, of one or two reports, by all measures with values for single pieces.

    Takes of an artwork are averaged first; artworks that only one system has are left out. The more measures are compared,
    the more differ by chance: the p-values are corrected for their number (Holm 1979), and the verdicts use the corrected
    ones. If the interval of the mean difference contains 0, the verdict is "no difference shown" whatever the ranks.

    Args:
        a: report of the first system.
        b: report of the second.
        systems: names of both.
        seed: seed of the bootstrap.
        everything: include measures for which neither direction is better; each makes the correction stricter.

    Raises:
        EvaluationError: no such system, or no measure that both have for the same artworks.
    """
    for report, system in zip((a, b), systems, strict=True):
        if system not in report.pieces:
            raise EvaluationError(
                f"there is no system named {system!r}", f"one of {', '.join(report.pieces)}", "Check the name."
            )
    tested = [*_following(a, b, systems, seed), *_by_piece(a, b, systems, seed, everything=everything)]
    if not tested:
        raise EvaluationError(
            f"{systems[0]} and {systems[1]} share no measure on the same artwork",
            "two systems scored on the same artworks, by measures that have a value for each piece",
            "Score both on the same artworks; pieces are matched by their file names.",
        )
    adjusted = holm(np.array([each.p for _, _, each in tested], np.float64))
    return [
        Comparison(
            measure,
            test.n,
            *values,
            test.difference.value,
            test.difference.low,
            test.difference.high,
            test.p,
            float(p),
            _verdict(measure, test.n, test.difference, float(p)),
        )
        for (measure, values, test), p in zip(tested, adjusted, strict=True)
    ]


Tested = tuple[Measure, tuple[float, float], Paired]
"""A measure, the means of both systems, and the test."""


def _by_piece(a: Report, b: Report, systems: tuple[str, str], seed: int, *, everything: bool) -> Iterator[Tested]:
    """Measures that have values for single pieces."""
    for key in (key for key, each in a.measures.items() if key in b.measures and (everything or each.better)):
        first, second = (_values(report, system, key) for report, system in zip((a, b), systems, strict=True))
        pairs = np.array([(first[name], second[name]) for name in first if name in second])
        if len(pairs):
            test = paired(pairs[:, 0, 0], pairs[:, 1, 0], seed=seed)
            yield a.measures[key], (float(pairs[:, 0].mean()), float(pairs[:, 1].mean())), test


def _following(a: Report, b: Report, systems: tuple[str, str], seed: int) -> Iterator[Tested]:
    """How closely the music follows the artwork: the difference of two rank correlations over the same artworks.

    Artworks are resampled, the same for both systems; p is twice the share of resamples on the smaller side of 0 (Efron and
    Tibshirani 1993, section 15).
    """
    first, second = (_points(report, system) for report, system in zip((a, b), systems, strict=True))
    for across, up in (key for key in first if key in second):
        one, other = first[across, up], second[across, up]
        shared = [name for name in one if name in other]
        if len(shared) < FEWEST:
            continue
        x, y, z = np.array([(*one[name], other[name][1]) for name in shared], np.float64).T
        values, test = paired_correlations(x, y, z, seed=seed)
        if math.isfinite(test.difference.value):
            yield Measure(f"follows:{up}", f"{up} ~ {across}", "follows", "higher"), values, test


def _points(report: Report, system: str) -> dict[tuple[str, str], dict[str, Means]]:
    """Picture statistic and musical measurement of each artwork, by axes of the plots."""
    plots: dict[tuple[str, str], list[tuple[str, float, float]]] = {}
    for plot in report.scatters:
        if plot.system == system:
            plots.setdefault((plot.across, plot.up), []).extend(plot.points)
    return {axes: _over_takes((name, (x, y)) for name, x, y in points) for axes, points in plots.items()}


def _values(report: Report, system: str, key: str) -> dict[str, Means]:
    """The value of a measure for each artwork."""
    return _over_takes((piece, (row[key],)) for piece, row in report.pieces[system].items() if key in row)


def _over_takes(pieces: Iterable[tuple[str, tuple[float, ...]]]) -> dict[str, Means]:
    """The mean over the takes of each artwork, without pieces that have a value that is not finite."""
    takes: dict[str, list[tuple[float, ...]]] = {}
    for piece, values in pieces:
        if np.isfinite(values).all():
            takes.setdefault(piece.rpartition(TAKE)[0] or piece, []).append(values)
    return {artwork: np.mean(own, axis=0) for artwork, own in takes.items()}


def _verdict(measure: Measure, n: int, difference: Interval, p: float) -> str:
    if n < FEWEST:
        return "too few artworks to tell"
    # ranks and mean may disagree if a few artworks differ by much
    if not p < ALPHA or difference.low <= 0 <= difference.high:
        return "no difference shown"
    higher = "A" if difference.value > 0 else "B"
    if not measure.better:
        return f"{higher} is higher"
    lower = "B" if higher == "A" else "A"
    return f"{higher if measure.better == 'higher' else lower} is better"
