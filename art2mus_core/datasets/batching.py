"""Rows a few at a time, so that long tables never lie in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["ROWS", "batches"]

ROWS = 1024
"""Rows that are written or read at a time."""


def batches(rows: Iterable[Any], size: int = ROWS) -> Iterator[list[Any]]:
    """The rows in lists of `size`; the last one may be shorter."""
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
