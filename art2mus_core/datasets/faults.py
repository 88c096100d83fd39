"""Faults of rows: their kinds, what to do about each, and the most frequent ones of a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..errors import Art2MusError

__all__ = ["REMEDIES", "Finding", "OnFault", "Tally", "kind_of", "remedy_for", "tried"]

REMEDIES = {
    "missing": "put the file back, or leave it out; then `art2mus dataset scan --retry`",
    "damaged": "download it again; then `art2mus dataset scan --retry`",
    "unreadable": "check its permissions; then `art2mus dataset scan --retry`",
    "outside": "copy it into the folder; then `art2mus dataset scan --retry`",
    "short": "nothing, it is left out; or `art2mus dataset scan --shortest SECONDS`",
    "silent": "nothing, it is left out",
    "name": "rename the file; then `art2mus dataset scan`",
    **dict.fromkeys(
        ("ArtworkError", "AudioError", "DatasetError"),
        "it changed since the scan: `art2mus dataset scan`, then `embed`",
    ),
}
"""What to do about each kind of fault."""

VALUES = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
"""What differs between sentences that say the same."""

Result = TypeVar("Result")
OnFault = Callable[[Any, str], None]
"""Called with a row that has a path, and its fault."""


@dataclass(frozen=True)
class Finding:
    """One kind of trouble.

    Attributes:
        what: the trouble.
        count: rows that have it.
        example: one of them.
        remedy: what to do.
    """

    what: str
    count: int
    example: str
    remedy: str


def kind_of(fault: str) -> str:
    """The kind of a fault."""
    return fault.split(":", 1)[0]


def remedy_for(fault: str) -> str:
    """What to do about a fault."""
    return REMEDIES.get(kind_of(fault), "see the column fault")


class Tally:
    """Counts faults by their sentences; those that differ in numbers only are one."""

    def __init__(self) -> None:
        self._groups = dict[str, tuple[int, str, str]]()

    def note(self, row: Any, fault: str) -> None:  # noqa: ANN401  of any table
        """Count the fault of a row."""
        group = VALUES.sub("N", fault)
        count, example, sentence = self._groups.get(group, (0, row.path, fault))
        self._groups[group] = count + 1, min(example, row.path), fault if fault == sentence else group

    def frequent(self, most: int = 10) -> list[Finding]:
        """The most frequent faults, with the path of one row each; the same whatever the order in which they were noted."""
        groups = sorted(self._groups.values(), key=lambda group: (-group[0], group[2]))
        return [Finding(fault, count, example, remedy_for(fault)) for count, example, fault in groups[:most]]


def tried(
    work: Callable[[Sequence[Any]], Sequence[Result]],
    rows: Sequence[Any],
    root: Path,
    fail: Callable[[Any, str], Result],
    failures: tuple[type[Art2MusError], ...] = (Art2MusError,),
) -> list[Result]:
    """The results of `work` for some rows; for each alone if one of them fails.

    Args:
        work: results of all the rows, or an error.
        rows: rows of files.
        root: folder of the files, which no fault names.
        fail: the result of a row that failed, with its fault.
        failures: errors that concern one file; others end the run.
    """
    try:
        return list(work(rows))
    except failures as error:
        if len(rows) > 1:
            return [result for row in rows for result in tried(work, [row], root, fail, failures)]
        reason = " ".join(error.came.replace(str(root / rows[0].path), "").split())
        return [fail(rows[0], f"{type(error).__name__}: {reason}")]
