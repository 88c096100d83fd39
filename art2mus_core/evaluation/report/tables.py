"""The tables of a report: a group of measures each, a row a system, a column a measure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..compare import FEWEST
from ..results import GROUPS, Figure, Measure, Report
from .plots import IntervalPlot, interval_plot

__all__ = ["Cell", "Column", "Row", "Table", "best_row", "decimals_for", "number", "tables_of"]

ARROWS = {"higher": "↑", "lower": "↓", "": ""}
NOTHING = "–"

BETWEEN = " · "
"""Between system and group in the title of a row."""

PART = "~"
"""In the key of a measure that is one part of another."""


@dataclass(frozen=True)
class Cell:
    """One figure in words; every part but the value may be empty.

    Attributes:
        value: of the system.
        interval: its 95 % interval.
        n: what it stands on, where that differs within the column.
        control: the same over shuffled pairs.
        gap: between the two, in standard errors.
        best: whether no other interval on the same artworks reaches this one.
    """

    value: str = NOTHING
    interval: str = ""
    n: str = ""
    control: str = ""
    gap: str = ""
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A measure and its cells, a cell a system.

    Attributes:
        measure: what is measured.
        arrow: which way is better.
        n: what every figure stands on, where that is the same.
        cells: in the order of the table's rows.
        plot: of the intervals; none where there is no value.
    """

    measure: Measure
    arrow: str
    n: str
    cells: tuple[Cell, ...]
    plot: IntervalPlot | None


@dataclass(frozen=True)
class Row:
    """What a row is about.

    Attributes:
        title: a system, or a system and a group of artworks, as the report names it.
        group: of artworks; empty where the report does not tell them apart.
        colour: of the system.
    """

    title: str
    group: str
    colour: int


@dataclass(frozen=True)
class Table:
    """A group of measures.

    Attributes:
        key: of the group.
        title: what the group asks.
        rows: group of artworks after group.
        columns: measures.
        parts: whether the measures are parts of those in the table before.
    """

    key: str
    title: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    parts: bool = False


def tables_of(report: Report, systems: Sequence[str]) -> list[Table]:
    """Tables in the order of :data:`GROUPS`, groups of other names last; rows without a figure are left out.

    Measures whose keys hold a `~` are parts of others and get a table of their own behind them.

    Args:
        report: what was found.
        systems: names in the order of their colours.
    """
    grouped: dict[tuple[str, bool], list[Measure]] = {}
    for measure in report.measures.values():
        grouped.setdefault((measure.group, PART in measure.key), []).append(measure)
    names = [*GROUPS, *(group for group, _ in grouped if group not in GROUPS)]
    rows = _rows(report.figures, systems)
    order = sorted(grouped, key=lambda each: (names.index(each[0]), each[1]))
    return [_table(report, group, grouped[group, parts], rows, parts=parts) for group, parts in order]


def _rows(titles: Iterable[str], systems: Sequence[str]) -> list[Row]:
    """Groups stay together, so that systems are compared on the same artworks."""
    rows = []
    for title in titles:
        named = [system for system in systems if title == system or title.startswith(f"{system}{BETWEEN}")]
        system = max(named, key=len, default=title)
        rows.append(Row(title, title[len(system) + len(BETWEEN) :], systems.index(system) if named else len(systems)))
    groups = [*dict.fromkeys(row.group for row in rows)]
    return sorted(rows, key=lambda row: groups.index(row.group))


def _table(report: Report, group: str, measures: Sequence[Measure], rows: Sequence[Row], *, parts: bool) -> Table:
    keys = {measure.key for measure in measures}
    kept = tuple(row for row in rows if keys & set(report.figures[row.title]))
    columns = tuple(_column(measure, kept, report.figures) for measure in measures)
    return Table(group, GROUPS.get(group, group.capitalize()), kept, columns, parts)


def _column(measure: Measure, rows: Sequence[Row], figures: Mapping[str, Mapping[str, Figure]]) -> Column:
    known = {row: figures[row.title].get(measure.key) for row in rows}
    found = {row: figure for row, figure in known.items() if figure and math.isfinite(figure.value)}
    decimals = decimals_for(figure.value for figure in found.values())
    counts = {figure.n for figure in found.values()}
    groups = {row.group for row in found}
    best = [
        best_row({row.title: each for row, each in found.items() if row.group == group}, measure) for group in groups
    ]
    cells = [_cell(found.get(row), decimals, len(counts) == 1, best=row.title in best) for row in rows]
    plot = interval_plot({row.title: (row.colour, figure) for row, figure in found.items()}, decimals)
    n = f"n = {counts.pop():,}" if len(counts) == 1 else ""
    return Column(measure, ARROWS[measure.better], n, tuple(cells), plot)


def _cell(figure: Figure | None, decimals: int, same_n: bool, *, best: bool) -> Cell:  # noqa: FBT001 - of the column
    if figure is None:
        return Cell()
    return Cell(
        value=number(figure.value, decimals),
        interval=""
        if _absent(figure.low, figure.high)
        else f"{number(figure.low, decimals)} to {number(figure.high, decimals)}",
        n="" if same_n else f"n = {figure.n:,}",
        control="" if _absent(figure.control) else number(figure.control, decimals),
        gap="" if _absent(figure.gap) else f"{'+' if (figure.gap or 0) > 0 else ''}{number(figure.gap, 1)}",
        best=best,
    )


def best_row(figures: Mapping[str, Figure], measure: Measure) -> str | None:
    """The one whose interval lies wholly on the better side of every other's.

    None where neither direction is better, where there is only one, where any interval is missing, or where one stands on fewer
    artworks than can tell anything.
    """
    if not measure.better or len(figures) < 2 or min(each.n for each in figures.values()) < FEWEST:
        return None
    if any(_absent(each.low, each.high) for each in figures.values()):
        return None
    sign = 1 if measure.better == "higher" else -1
    ends = {name: sorted((sign * (each.low or 0.0), sign * (each.high or 0.0))) for name, each in figures.items()}
    leader = max(ends, key=lambda name: ends[name][0])
    return leader if all(high < ends[leader][0] for name, (_, high) in ends.items() if name != leader) else None


def decimals_for(values: Iterable[float]) -> int:
    """Decimals that give the largest of the values three significant digits, six at most."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return min(6, max(0, 2 - math.floor(math.log10(largest)))) if largest > 0 else 2


def number(value: float | None, decimals: int) -> str:
    """A number for a person; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text.replace("-", "\N{MINUS SIGN}")


def _absent(*values: float | None) -> bool:
    return any(value is None or not math.isfinite(value) for value in values)
