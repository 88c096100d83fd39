"""The table of two editions: one row for each value, with the interval of each edition and of their difference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from art2mus_core.measure.sets.intervals import Interval


@dataclass(frozen=True)
class Row:
    """One line of the table; without an interval if a value has no spread over paintings."""

    title: str
    n: str
    first: Interval
    this: Interval
    difference: Interval
    aim: str
    training: Interval | None = None
    """Of training music, where it is measured."""


def shown(interval: Interval) -> str:
    """A value with two digits and its interval."""
    numbers = [f"{x:.{0 if abs(x) >= 100 else 1 if abs(x) >= 5 else 2}f}" for x in vars(interval).values()]
    value, low, high = (
        number.replace("0.", ".", 1) if number.lstrip("-").startswith("0.") else number for number in numbers[:3]
    )
    return value if math.isnan(interval.low) else f"{value} [{low}, {high}]"


def markdown(rows: list[Row]) -> str:
    """The table; with a column of training music if a row has it."""
    trained = any(row.training for row in rows)
    names = ["", "n", "first edition", "this edition", "difference", *(["training music"] if trained else []), "aim"]
    lines = [f"| {' | '.join(names)} |".replace("|  |", "| |"), "|---" * len(names) + "|"]
    for row in rows:
        cells = [shown(each) for each in (row.first, row.this, row.difference)]
        cells += [shown(row.training) if row.training else ""] if trained else []
        lines.append(f"| {' | '.join([row.title, row.n, *cells, row.aim])} |")
    return "\n".join(lines)


def listed(row: Row) -> dict[str, Any]:
    """A row for JSON: value, low and high of each side, or the value alone."""
    sides = {name: getattr(row, name) for name in ("first", "this", "difference", "training") if getattr(row, name)}
    kept = {
        name: [each.value, each.low, each.high] if not math.isnan(each.low) else [each.value]
        for name, each in sides.items()
    }
    rounded = {name: [None if math.isnan(x) else round(x, 4) for x in values] for name, values in kept.items()}
    return {"title": row.title, "n": row.n, **rounded, "aim": row.aim}
