"""Where the dots, bars and axes of a report's plots stand, in the units of their SVG view boxes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...figures.paper import Number, ticks
from ..results import Figure, Scatter

__all__ = ["IntervalPlot", "IntervalRow", "ScatterPlot", "ScatterRow", "interval_plot", "scatter_rows"]

Tick = tuple[Number, str]
"""Place and label."""

WIDTH, LEFT, RIGHT, ROW = 400, 158, 388, 26
"""Of an interval plot: its width, where the axis starts and ends, and how high a system's row is."""

SIDE, MARGIN = 168, 34
"""Of a scatter plot: the square that is drawn in, and room for labels to its left."""


@dataclass(frozen=True)
class IntervalRow:
    """A system's dot, its 95 % interval and its shuffled control, from left to right in view box units."""

    system: str
    colour: int
    y: Number
    x: Number
    low: Number | None
    high: Number | None
    control: Number | None


@dataclass(frozen=True)
class IntervalPlot:
    """The values of one measure, a row a system."""

    width: int
    height: int
    left: int
    right: int
    rows: tuple[IntervalRow, ...]
    ticks: tuple[Tick, ...]
    zero: Number | None


@dataclass(frozen=True)
class ScatterPlot:
    """Points of one system and group: the artwork's id, x, y."""

    system: str
    group: str
    colour: int
    points: tuple[tuple[str, Number, Number], ...]


@dataclass(frozen=True)
class ScatterRow:
    """Plots that share both axes."""

    across: str
    up: str
    side: int
    margin: int
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    plots: tuple[ScatterPlot, ...]


def interval_plot(figures: Mapping[str, tuple[int, Figure]], decimals: int) -> IntervalPlot | None:
    """Dots with intervals on one axis that reaches over all of them; none without a finite value.

    Args:
        figures: colour and figure of each system.
        decimals: of the labels, at most.
    """
    if not figures:
        return None
    reach = [
        value
        for _, figure in figures.values()
        for value in (figure.value, figure.low, figure.high, figure.control)
        if value is not None and math.isfinite(value)
    ]
    low, high = _span(reach)
    at = _scale(low, high, LEFT, RIGHT)
    rows = [
        IntervalRow(
            system,
            colour,
            ROW * (index + 0.5),
            at(figure.value),
            *(None if v is None or not math.isfinite(v) else at(v) for v in (figure.low, figure.high, figure.control)),
        )
        for index, (system, (colour, figure)) in enumerate(figures.items())
    ]
    marks = tuple((at(value), _label(value, decimals)) for value in ticks(low, high, about=5))
    zero = at(0.0) if low <= 0 <= high else None
    return IntervalPlot(WIDTH, ROW * len(rows) + 24, LEFT, RIGHT, tuple(rows), marks, zero)


def scatter_rows(scatters: Sequence[Scatter], systems: Sequence[str]) -> list[ScatterRow]:
    """A row for each pair of axes, a plot for each system and group; points that are not finite are left out.

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
    (x_low, x_high) = _span(x for _, points in kept for _, x, _ in points)
    (y_low, y_high) = _span(y for _, points in kept for _, _, y in points)
    x, y = _scale(x_low, x_high, MARGIN, MARGIN + SIDE), _scale(y_low, y_high, SIDE, 0)
    plots = [
        ScatterPlot(
            each.system,
            each.group,
            systems.index(each.system) if each.system in systems else len(systems),
            tuple((name, x(place[0]), y(place[1])) for name, *place in points),
        )
        for each, points in kept
        if points
    ]
    return ScatterRow(
        across,
        up,
        SIDE,
        MARGIN,
        tuple((x(value), _label(value, 3)) for value in ticks(x_low, x_high, about=4)),
        tuple((y(value), _label(value, 3)) for value in ticks(y_low, y_high, about=4)),
        tuple(plots),
    )


def _span(values: Iterable[Number]) -> tuple[Number, Number]:
    """From the least to the greatest, with some room to both sides."""
    found = list(values) or [0.0]
    room = 0.06 * (max(found) - min(found)) or 0.06 * abs(found[0]) or 0.5
    return min(found) - room, max(found) + room


def _scale(low: Number, high: Number, start: Number, end: Number) -> Callable[[Number], Number]:
    return lambda value: round(start + (end - start) * (value - low) / (high - low), 1)


def _label(value: Number, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "\N{MINUS SIGN}")
