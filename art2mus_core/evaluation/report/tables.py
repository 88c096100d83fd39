"""The tables of a report: one for each group of measures, with a row for each system and a column for each measure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..compare import FEWEST
from ..results import GROUPS, Measure, Report, Result
from .plots import IntervalPlot, interval_plot

__all__ = ["Cell", "Column", "Table", "TableRow", "best_row", "decimals_for", "number", "tables_of"]

ARROWS = {"higher": "↑", "lower": "↓", "": ""}
NOTHING = "–"

BETWEEN = " · "
"""Separates system and group in the title of a row."""

PART = "~"
"""Marks the key of a measure that is a part of another."""


@dataclass(frozen=True)
class Cell:
    """One result as text; every part except the value may be empty.

    Attributes:
        value: the result.
        interval: its 95 % interval.
        n: number of artworks, where it differs within the column.
        control: the same measure over shuffled pairs.
        gap: difference of the two, in standard errors.
        best: whether the interval lies on the better side of all others on the same artworks.
    """

    value: str = NOTHING
    interval: str = ""
    n: str = ""
    control: str = ""
    gap: str = ""
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A measure and its results.

    Attributes:
        measure: the measure.
        arrow: which direction is better.
        n: number of artworks, where it is the same for all.
        cells: in the order of the table's rows.
        plot: plot of the intervals; None without a value.
    """

    measure: Measure
    arrow: str
    n: str
    cells: tuple[Cell, ...]
    plot: IntervalPlot | None


@dataclass(frozen=True)
class TableRow:
    """A system, or a system with one group of artworks.

    Attributes:
        title: its name in the report.
        group: group of artworks; empty if the report has only one.
        colour: number of the system's colour.
    """

    title: str
    group: str
    colour: int


@dataclass(frozen=True)
class Table:
    """A group of measures.

    Attributes:
        key: name of the group.
        title: title of the group.
        rows: systems, sorted by group of artworks.
        columns: measures.
        parts: whether the measures are parts of those in the previous table.
    """

    key: str
    title: str
    rows: tuple[TableRow, ...]
    columns: tuple[Column, ...]
    parts: bool = False


def tables_of(report: Report, systems: Sequence[str]) -> list[Table]:
    """Tables in the order of :data:`GROUPS`, other groups last; systems without a result are left out.

    Measures whose keys contain `~` are parts of others and get a table of their own after them.

    Args:
        report: the results.
        systems: names in the order of their colours.
    """
    grouped: dict[tuple[str, bool], list[Measure]] = {}
    for measure in report.measures.values():
        grouped.setdefault((measure.group, PART in measure.key), []).append(measure)
    names = [*GROUPS, *(group for group, _ in grouped if group not in GROUPS)]
    rows = _rows(report.figures, systems)
    order = sorted(grouped, key=lambda each: (names.index(each[0]), each[1]))
    return [_table(report, group, grouped[group, parts], rows, parts=parts) for group, parts in order]


def _rows(titles: Iterable[str], systems: Sequence[str]) -> list[TableRow]:
    """Rows sorted by group, so that systems are compared on the same artworks."""
    rows = []
    for title in titles:
        named = [system for system in systems if title == system or title.startswith(f"{system}{BETWEEN}")]
        system = max(named, key=len, default=title)
        rows.append(
            TableRow(title, title[len(system) + len(BETWEEN) :], systems.index(system) if named else len(systems))
        )
    groups = [*dict.fromkeys(row.group for row in rows)]
    return sorted(rows, key=lambda row: groups.index(row.group))


def _table(report: Report, group: str, measures: Sequence[Measure], rows: Sequence[TableRow], *, parts: bool) -> Table:
    keys = {measure.key for measure in measures}
    kept = tuple(row for row in rows if keys & set(report.figures[row.title]))
    columns = tuple(_column(measure, kept, report.figures) for measure in measures)
    return Table(group, GROUPS.get(group, group.capitalize()), kept, columns, parts)


def _column(measure: Measure, rows: Sequence[TableRow], results: Mapping[str, Mapping[str, Result]]) -> Column:
    known = {row: results[row.title].get(measure.key) for row in rows}
    found = {row: result for row, result in known.items() if result and math.isfinite(result.value)}
    decimals = decimals_for(result.value for result in found.values())
    counts = {result.n for result in found.values()}
    groups = {row.group for row in found}
    best = [
        best_row({row.title: each for row, each in found.items() if row.group == group}, measure) for group in groups
    ]
    cells = [_cell(found.get(row), decimals, len(counts) == 1, best=row.title in best) for row in rows]
    plot = interval_plot({row.title: (row.colour, result) for row, result in found.items()}, decimals)
    n = f"n = {counts.pop():,}" if len(counts) == 1 else ""
    return Column(measure, ARROWS[measure.better], n, tuple(cells), plot)


def _cell(result: Result | None, decimals: int, same_n: bool, *, best: bool) -> Cell:  # noqa: FBT001
    if result is None:
        return Cell()
    return Cell(
        value=number(result.value, decimals),
        interval=""
        if _absent(result.low, result.high)
        else f"{number(result.low, decimals)} to {number(result.high, decimals)}",
        n="" if same_n else f"n = {result.n:,}",
        control="" if _absent(result.control) else number(result.control, decimals),
        gap="" if _absent(result.gap) else f"{'+' if (result.gap or 0) > 0 else ''}{number(result.gap, 1)}",
        best=best,
    )


def best_row(results: Mapping[str, Result], measure: Measure) -> str | None:
    """The title of the row whose interval lies wholly on the better side of every other's.

    None if neither direction is better, there is only one row, an interval is missing, or a row has fewer artworks than a
    test needs.
    """
    if not measure.better or len(results) < 2 or min(each.n for each in results.values()) < FEWEST:
        return None
    if any(_absent(each.low, each.high) for each in results.values()):
        return None
    sign = 1 if measure.better == "higher" else -1
    ends = {name: sorted((sign * (each.low or 0.0), sign * (each.high or 0.0))) for name, each in results.items()}
    leader = max(ends, key=lambda name: ends[name][0])
    return leader if all(high < ends[leader][0] for name, (_, high) in ends.items() if name != leader) else None


def decimals_for(values: Iterable[float]) -> int:
    """Number of decimals that give the largest value three significant digits, at most six."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return min(6, max(0, 2 - math.floor(math.log10(largest)))) if largest > 0 else 2


def number(value: float | None, decimals: int) -> str:
    """A number as text; a dash if there is none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text.replace("-", "\N{MINUS SIGN}")


def _absent(*values: float | None) -> bool:
    return any(value is None or not math.isfinite(value) for value in values)
