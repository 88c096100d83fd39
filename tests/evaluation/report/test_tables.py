from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.evaluation.report.tables import best_row, decimals_for, number, tables_of
from art2mus_core.evaluation.results import GROUPS, Measure, Report, Result

HIGHER = Measure("x", "X", "match", "higher")
ends = st.tuples(st.floats(-9, 9), st.floats(-9, 9)).map(sorted)


def figures(intervals):
    return {
        str(index): Result((low + high) / 2, 9, float(low), float(high)) for index, (low, high) in enumerate(intervals)
    }


def test_the_best_is_marked_where_no_other_interval_reaches_it():
    assert best_row(figures([(1, 2), (3, 4), (2.5, 2.9)]), HIGHER) == "1"
    assert best_row(figures([(1, 2), (3, 4), (2.5, 3.1)]), HIGHER) is None
    assert best_row(figures([(1, 2), (3, 4)]), replace(HIGHER, better="lower")) == "0"
    assert best_row(figures([(1, 2), (3, 4)]), replace(HIGHER, better="")) is None
    assert best_row(figures([(1, 2)]), HIGHER) is None
    assert best_row({name: replace(each, n=5) for name, each in figures([(1, 2), (3, 4)]).items()}, HIGHER) is None
    assert best_row({**figures([(1, 2), (3, 4)]), "bare": Result(0.0, 9)}, HIGHER) is None
    assert best_row({**figures([(1, 2), (3, 4)]), "nan": Result(0.0, 9, math.nan, math.nan)}, HIGHER) is None


@given(st.lists(ends, min_size=2, max_size=5))
def test_the_best_is_the_same_when_everything_is_turned_round(intervals):
    turned = [(-high, -low) for low, high in intervals]
    best = best_row(figures(intervals), HIGHER)
    assert best_row(figures(turned), replace(HIGHER, better="lower")) == best
    if best is not None:
        assert all(high < intervals[int(best)][0] for n, (_, high) in enumerate(intervals) if n != int(best))


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([0.31, -0.02], 3), ([12.3], 1), ([1234.5], 0), ([2e-9], 6), ([0.0], 2), ([], 2), ([math.nan, 5.0], 2)],
)
def test_the_largest_value_has_three_digits(values, decimals):
    assert decimals_for(values) == decimals


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.567, "1,234.57"), (-0.5, "−0.50"), (-0.001, "0.00"), (math.nan, "–"), (math.inf, "–"), (None, "–")],
)
def test_numbers_are_written_for_people(value, text):
    assert number(value, 2) == text


def test_groups_keep_their_order_and_systems_without_a_figure_have_no_row():
    measures = [Measure("z", "Z", "odd"), Measure("f", "F", "faults"), HIGHER, Measure("y", "Y", "match")]
    found = {"a": {"x": Result(1.0, 5), "y": Result(2.0, 4)}, "b": {"y": Result(1.5, 3)}, "c": {"f": Result(0.0, 5)}}
    tables = tables_of(Report({m.key: m for m in measures}, found, {}), ["a", "b", "c", "d"])
    assert [(table.key, tuple(row.title for row in table.rows)) for table in tables] == [
        ("match", ("a", "b")),
        ("faults", ("c",)),
        ("odd", ()),
    ]
    assert [table.title for table in tables] == [GROUPS["match"], GROUPS["faults"], "Odd"]
    x, y = tables[0].columns
    assert [cell.value for cell in x.cells] == ["1.00", "–"]
    assert (x.arrow, x.n, y.arrow, y.n) == ("↑", "n = 5", "", "")
    assert [cell.n for cell in y.cells] == ["n = 4", "n = 3"]
    assert tables[2].columns[0].plot is None


def test_systems_are_compared_on_the_same_artworks():
    found = {
        "a · easy": Result(9.0, 9, 8.0, 10.0),
        "a · hard": Result(3.0, 9, 2.5, 3.5),
        "a · b · easy": Result(7.0, 9, 6.5, 7.5),
        "a · b · hard": Result(1.0, 9, 0.5, 1.5),
    }
    report = Report({"x": HIGHER}, {title: {"x": figure} for title, figure in found.items()}, {})
    (table,) = tables_of(report, ["a", "a · b"])
    assert [(row.title, row.group, row.colour) for row in table.rows] == [
        ("a · easy", "easy", 0),
        ("a · b · easy", "easy", 1),
        ("a · hard", "hard", 0),
        ("a · b · hard", "hard", 1),
    ]
    assert [cell.best for cell in table.columns[0].cells] == [True, False, True, False]


def test_parts_of_a_measure_follow_in_a_table_of_their_own():
    measures = [Measure("x~1", "X1", "match"), HIGHER, Measure("y", "Y", "sound")]
    tables = tables_of(Report({m.key: m for m in measures}, {"a": {}}, {}), ["a"])
    assert [(table.key, table.parts) for table in tables] == [("match", False), ("match", True), ("sound", False)]
