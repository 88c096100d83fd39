"""Positions of the dots, bars and axes of a report's plots, in units of their SVG view boxes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...figures.paper import Number, ticks
from ..results import Result, Scatter

__all__ = ["IntervalPlot", "IntervalRow", "ScatterPlot", "ScatterRow", "interval_plot", "scatter_rows"]

Tick = tuple[Number, str]
"""Position and label."""

ROW = 26
"""Height of a system's row in an interval plot."""


@dataclass(frozen=True)
class IntervalRow:
    """A system's value, its 95 % interval and its control, from left to right."""

    system: str
    colour: int
    y: Number
    x: Number
    low: Number | None
    high: Number | None
    control: Number | None


@dataclass(frozen=True)
class IntervalPlot:
    """The results of one measure, with a row for each system; the axis extends from `left` to `right`."""

    width, left, right = 400, 158, 388
    height: int
    rows: tuple[IntervalRow, ...]
    ticks: tuple[Tick, ...]
    zero: Number | None


@dataclass(frozen=True)
class ScatterPlot:
    """The points of one system and group: the piece's name, x, y."""

    system: str
    group: str
    colour: int
    points: tuple[tuple[str, Number, Number], ...]


@dataclass(frozen=True)
class ScatterRow:
    """Plots that share both axes: squares of `side`, with a `margin` for labels to the left."""

    side, margin = 168, 34
    across: str
    up: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    plots: tuple[ScatterPlot, ...]


def interval_plot(results: Mapping[str, tuple[int, Result]], decimals: int) -> IntervalPlot | None:
    """Results with intervals on one axis that includes all of them; None without a finite value.

    Args:
        results: colour and result of each system.
        decimals: decimals of the labels, at most.
    """
    if not results:
        return None
    ends = [each for _, result in results.values() for each in (result.value, *_ends(result)) if each is not None]
    low, high = _span(ends)
    x = _scale(low, high, IntervalPlot.left, IntervalPlot.right)
    rows = [
        IntervalRow(
            system,
            colour,
            ROW * (index + 0.5),
            x(result.value),
            *(None if each is None else x(each) for each in _ends(result)),
        )
        for index, (system, (colour, result)) in enumerate(results.items())
    ]
    zero = x(0.0) if low <= 0 <= high else None
    return IntervalPlot(ROW * len(rows) + 24, tuple(rows), _ticks(x, low, high, 5, decimals), zero)


def _ends(result: Result) -> list[float | None]:
    """Interval and control, None where not finite."""
    ends = (result.low, result.high, result.control)
    return [None if each is None or not math.isfinite(each) else each for each in ends]


def scatter_rows(scatters: Sequence[Scatter], systems: Sequence[str]) -> list[ScatterRow]:
    """A row for each pair of axes, with a plot for each system and group; points that are not finite are left out.

    Args:
        scatters: plots of a report.
        systems: names in the order of their colours.
    """
    paired: dict[tuple[str, str], list[Scatter]] = {}
    for scatter in scatters:
        paired.setdefault((scatter.across, scatter.up), []).append(scatter)
    rows = [_scatter_row(across, up, each, systems) for (across, up), each in paired.items()]
    return [row for row in rows if row.plots]


def _scatter_row(across: str, up: str, scatters: Sequence[Scatter], systems: Sequence[str]) -> ScatterRow:
    kept = [
        (each, [point for point in each.points if math.isfinite(point[1]) and math.isfinite(point[2])])
        for each in scatters
    ]
    side, margin = ScatterRow.side, ScatterRow.margin
    x_low, x_high = _span(x for _, points in kept for _, x, _ in points)
    y_low, y_high = _span(y for _, points in kept for _, _, y in points)
    x, y = _scale(x_low, x_high, margin, margin + side), _scale(y_low, y_high, side, 0)
    plots = [
        ScatterPlot(
            each.system,
            each.group,
            systems.index(each.system) if each.system in systems else len(systems),
            tuple((name, x(across_), y(up_)) for name, across_, up_ in points),
        )
        for each, points in kept
        if points
    ]
    return ScatterRow(across, up, _ticks(x, x_low, x_high, 4, 3), _ticks(y, y_low, y_high, 4, 3), tuple(plots))


def _span(values: Iterable[Number]) -> tuple[Number, Number]:
    """The least and the greatest value, with some room on both sides."""
    found = list(values) or [0.0]
    room = 0.06 * (max(found) - min(found)) or 0.06 * abs(found[0]) or 0.5
    return min(found) - room, max(found) + room


def _scale(low: Number, high: Number, start: Number, end: Number) -> Callable[[Number], Number]:
    return lambda value: round(start + (end - start) * (value - low) / (high - low), 1)


def _ticks(scale: Callable[[Number], Number], low: Number, high: Number, about: int, decimals: int) -> tuple[Tick, ...]:
    return tuple((scale(value), _label(value, decimals)) for value in ticks(low, high, about=about))


def _label(value: Number, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "\N{MINUS SIGN}")
