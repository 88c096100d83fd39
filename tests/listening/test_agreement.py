from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from art2mus_core.listening.agreement import alpha, crossed_interval

PUBLISHED = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
"""Four observers, twelve units: K. Krippendorff, Computing Krippendorff's alpha-reliability (2011), example C."""


def published():
    rows = [line.split() for line in PUBLISHED.split("\n") if line]
    found = [
        (float(value), row, column)
        for row, line in enumerate(rows)
        for column, value in enumerate(line)
        if value != "."
    ]
    values, listeners, units = zip(*found, strict=True)
    return np.array(values), np.array(listeners), np.array(units)


@pytest.mark.parametrize(("level", "expected"), [("nominal", 0.743), ("ordinal", 0.815)])
def test_alpha_of_the_published_example(level, expected):
    assert alpha(*published(), level=level) == pytest.approx(expected, abs=5e-4)


def slow_alpha(values, units, level):
    """1 - observed over expected disagreement, from the coincidences, written out."""
    coincidences: Counter[tuple[float, float]] = Counter()
    for unit in set(units):
        own = [value for value, where in zip(values, units, strict=True) if where == unit]
        for pair in permutations(own, 2):
            coincidences[pair] += 1 / (len(own) - 1)
    totals: Counter[float] = Counter()
    for (value, _), count in coincidences.items():
        totals[value] += count

    def distance(one, other):
        if level == "nominal":
            return float(one != other)
        between = sum(totals[value] for value in totals if min(one, other) <= value <= max(one, other))
        return (between - (totals[one] + totals[other]) / 2) ** 2

    total = sum(totals.values())
    observed = sum(count * distance(*pair) for pair, count in coincidences.items()) / total
    expected = sum(
        totals[one] * (totals[other] - (one == other)) * distance(one, other) for one in totals for other in totals
    )
    return 1 - observed / (expected / (total * (total - 1)))


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
@pytest.mark.parametrize("seed", range(3))
def test_alpha_is_the_formula(level, seed):
    rng = np.random.default_rng(seed)
    cells = rng.permutation(7 * 11)[:41]
    values = rng.integers(1, 6, 41).astype(float)
    expected = slow_alpha(values, cells % 11, level)
    assert alpha(values, cells // 11, cells % 11, level=level) == pytest.approx(expected, abs=1e-12)


def test_alpha_is_none_where_it_is_not_defined():
    once = np.array([1.0, 5.0]), np.array([0, 1]), np.array([0, 1])
    same = np.array([3.0, 3.0]), np.array([0, 1]), np.array([0, 0])
    assert alpha(*once, level="ordinal") is None
    assert alpha(*same, level="ordinal") is None
    assert alpha(np.array([1.0, 1.0, 2.0, 2.0]), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]), level="ordinal") == 1


def test_the_interval_holds_the_mean_as_often_as_it_says():
    """Ratings with effects of listeners and artworks, which intervals over single answers would ignore."""
    rng = np.random.default_rng(0)
    listeners, artworks = np.divmod(np.arange(12 * 15), 15)
    held = naive = 0
    for seed in range(60):
        values = rng.normal(size=12)[listeners] + rng.normal(size=15)[artworks] + rng.normal(size=180)
        low, high = crossed_interval(values, listeners, artworks, seed=seed)
        held += low < 0 < high
        naive += abs(values.mean()) < 1.96 * values.std() / len(values) ** 0.5
    assert 52 <= held <= 60
    assert naive < 40


def test_one_listener_gives_no_interval():
    assert crossed_interval(np.array([1.0, 2.0]), np.array([3, 3]), np.array([0, 1]), seed=0) is None
