"""Is one system better than another, artwork by artwork: paired tests over two reports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from ..errors import EvaluationError
from .collection import TAKE
from .metrics.intervals import Interval, holm, paired
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
    first, second = _values(a, systems[0]), _values(b, systems[1])
    found = []
    for key in (key for key, each in a.measures.items() if key in b.measures and (everything or each.better)):
        pairs = [(first[name][key], second[name][key]) for name in _shared(first, second, key)]
        if pairs:
            found.append((a.measures[key], np.array(pairs, np.float64)))
    if not found:
        raise EvaluationError(
            f"{systems[0]} and {systems[1]} have no measure of the same artwork",
            "two systems scored on the same artworks, by measures that have a value for each piece",
            "Score both on the same artworks; the pieces are matched by their files' names.",
        )
    tested = [paired(pairs[:, 0], pairs[:, 1], seed=seed) for _, pairs in found]
    adjusted = holm(np.array([each.p for each in tested], np.float64))
    return [
        Comparison(
            measure,
            test.n,
            float(pairs[:, 0].mean()),
            float(pairs[:, 1].mean()),
            test.difference.value,
            test.difference.low,
            test.difference.high,
            test.p,
            float(p),
            _verdict(measure, test.n, test.difference, float(p)),
        )
        for (measure, pairs), test, p in zip(found, tested, adjusted, strict=True)
    ]


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
