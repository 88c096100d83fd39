"""Is one system better than another, artwork by artwork: paired tests over two reports."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from ..errors import EvaluationError
from ..measure.sets.correlation import paired_correlations
from ..measure.sets.intervals import Interval, Paired, holm, paired
from ..naming import TAKE
from .results import Measure, Report

__all__ = ["ALPHA", "FEWEST", "Comparison", "compare"]

ALPHA = 0.05
"""How often any difference at all may be found, over all measures together, where there is none."""

FEWEST = 6
"""With fewer artworks no outcome of a signed-rank test lies below `ALPHA`: the least of n is 2 / 2^n."""


@dataclass(frozen=True)
class Comparison:
    """One measure of two systems on the same artworks.

    Attributes:
        measure: what is compared.
        n: artworks that both have a value for.
        a: mean of the first system over them.
        b: mean of the second.
        difference: mean of a - b.
        low: lower end of its 95 % bootstrap interval over artworks; NaN where there is none.
        high: its upper end.
        p: two-sided, of Wilcoxon's signed-rank test.
        adjusted: p after Holm's correction for all measures compared.
        verdict: in words.
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
    """Compare a system of one report with one of another, or of the same, in the measures that have values a piece.

    Takes of an artwork are averaged first; artworks that only one of them has are left out. The more measures are asked, the
    more differ by chance: the p-values are corrected for their number (Holm 1979), and the verdicts follow these. No difference
    is shown where the interval of the mean difference holds 0, whatever the ranks say.

    Args:
        a: report of the first system.
        b: report of the second.
        systems: their names.
        seed: of the bootstrap.
        everything: also measures of which neither more nor less is better, each of which has its price (Holm).

    Raises:
        EvaluationError: no such system, or no measure that both have for the same artworks.
    """
    tested = [*_following(a, b, systems, seed), *_by_piece(a, b, systems, seed, everything=everything)]
    if not tested:
        raise EvaluationError(
            f"{systems[0]} and {systems[1]} have no measure of the same artwork",
            "two systems scored on the same artworks, by measures that have a value for each piece",
            "Score both on the same artworks; the pieces are matched by their files' names.",
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


def _by_piece(a: Report, b: Report, systems: tuple[str, str], seed: int, *, everything: bool) -> Iterator[Tested]:
    """Measures that every piece has a value of."""
    first, second = _values(a, systems[0]), _values(b, systems[1])
    for key in (key for key, each in a.measures.items() if key in b.measures and (everything or each.better)):
        pairs = np.array([(first[name][key], second[name][key]) for name in _shared(first, second, key)], np.float64)
        if len(pairs):
            test = paired(pairs[:, 0], pairs[:, 1], seed=seed)
            yield a.measures[key], (float(pairs[:, 0].mean()), float(pairs[:, 1].mean())), test


def _following(a: Report, b: Report, systems: tuple[str, str], seed: int) -> Iterator[Tested]:
    """How the music follows the artwork: the difference of two rank correlations over the same artworks.

    The artworks are drawn again and again, the same for both systems; twice the share of draws on the smaller side of 0 is
    p (Efron and Tibshirani 1993, section 15).
    """
    first, second = (_points(report, system) for report, system in zip((a, b), systems, strict=True))
    for across, up in (key for key in first if key in second):
        one, other = first[across, up], second[across, up]
        shared = [name for name in one if name in other]
        if len(shared) < FEWEST:
            continue
        x, y, z = np.array([(one[name][0], one[name][1], other[name][1]) for name in shared], np.float64).T
        values, test = paired_correlations(x, y, z, seed=seed)
        if math.isfinite(test.difference.value):
            yield Measure(f"follows:{up}", f"{up} ~ {across}", "follows", "higher"), values, test


def _points(report: Report, system: str) -> dict[tuple[str, str], dict[str, tuple[float, float]]]:
    """What is heard over what is seen, by axes and artwork, the takes averaged."""
    takes: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
    for plot in report.scatters:
        if plot.system == system:
            own = takes.setdefault((plot.across, plot.up), {})
            for piece, x, y in plot.points:
                if math.isfinite(x) and math.isfinite(y):
                    own.setdefault(piece.rpartition(TAKE)[0] or piece, []).append((x, y))
    return {
        axes: {name: (fmean(x for x, _ in each), fmean(y for _, y in each)) for name, each in own.items()}
        for axes, own in takes.items()
    }


def _values(report: Report, system: str) -> dict[str, dict[str, float]]:
    """Artwork to measure to the mean over its takes; what is not finite is left out."""
    if system not in report.pieces:
        raise EvaluationError(
            f"there is no system named {system!r}", f"one of {', '.join(report.pieces)}", "Check the name."
        )
    takes: dict[str, dict[str, list[float]]] = {}
    for piece, row in report.pieces[system].items():
        gathered = takes.setdefault(piece.rpartition(TAKE)[0] or piece, {})
        for key, value in row.items():
            if math.isfinite(value):
                gathered.setdefault(key, []).append(value)
    return {artwork: {key: fmean(values) for key, values in row.items()} for artwork, row in takes.items()}


def _shared(first: dict[str, dict[str, float]], second: dict[str, dict[str, float]], key: str) -> list[str]:
    return [name for name, row in first.items() if key in row and key in second.get(name, {})]


def _verdict(measure: Measure, n: int, difference: Interval, p: float) -> str:
    if n < FEWEST:
        return "too few artworks to tell"
    # ranks and mean may point to different sides where a few artworks differ by much
    if not p < ALPHA or difference.low <= 0 <= difference.high:
        return "no difference shown"
    higher = "A" if difference.value > 0 else "B"
    if not measure.better:
        return f"{higher} is higher"
    lower = "B" if higher == "A" else "A"
    return f"{higher if measure.better == 'higher' else lower} is better"
