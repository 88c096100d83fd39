from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.evaluation.report.plots import interval_plot, scatter_rows
from art2mus_core.evaluation.results import Result, Scatter

numbers = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


@given(st.lists(st.tuples(numbers, st.floats(0, 99), st.floats(0, 99)), min_size=1, max_size=6))
def test_intervals_lie_within_the_axis_and_around_their_dots(rows):
    figures = {str(n): (n, Result(value, 9, value - a, value + b)) for n, (value, a, b) in enumerate(rows)}
    plot = interval_plot(figures, 3)
    for row in plot.rows:
        assert plot.left <= row.low <= row.x <= row.high <= plot.right
        assert 0 < row.y < plot.height - 20
    assert all(plot.left <= x <= plot.right for x, _ in plot.ticks)
    assert len({row.y for row in plot.rows}) == len(rows)


def test_places_are_proportional_to_values():
    figures = {"a": (0, Result(0.0, 9, -1.0, 1.0, 0.5)), "b": (1, Result(3.0, 9))}
    a, b = interval_plot(figures, 2).rows
    assert (a.control - a.low) / (b.x - a.low) == pytest.approx(1.5 / 4, abs=0.002)
    assert (b.low, b.high, b.control) == (None, None, None)
    assert interval_plot(figures, 2).zero == a.x


def test_without_a_value_there_is_no_plot():
    assert interval_plot({}, 2) is None
    assert scatter_rows([Scatter("a", "g", "x", "y", (("1", math.nan, 2.0),))], ["a"]) == []


def test_plots_of_the_same_axes_share_their_scale():
    points = {"a": (("1", 0.0, 10.0), ("2", 4.0, 20.0)), "b": (("1", 2.0, 10.0), ("3", math.inf, 5.0))}
    scatters = [Scatter(system, "g", "x", "y", each) for system, each in points.items()]
    scatters.append(Scatter("a", "g", "x", "z", points["a"]))
    first, second = scatter_rows(scatters, ["b", "a"])
    assert [(row.across, row.up, len(row.plots)) for row in (first, second)] == [("x", "y", 2), ("x", "z", 1)]
    (_, x1, y1), (_, x2, y2) = first.plots[0].points
    ((name, x3, y3),) = first.plots[1].points
    assert (name, y3) == ("1", y1)
    assert x3 == pytest.approx((x1 + x2) / 2, abs=0.11)
    assert y2 < y1  # upwards
    assert [plot.colour for plot in first.plots] == [1, 0]
    assert all(row.margin <= x <= row.margin + row.side for row in (first, second) for x, _ in row.x_ticks)
