"""Parts that several sources share: JSON files, lists that are written as Python literals, ids that must not repeat, names of splits."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from ...errors import DatasetError

__all__ = ["Unique", "check_split", "parse_integer", "parse_list", "read_json"]

_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
"""What sources call their splits, to the manifest's names."""


class Unique:
    """Refuses an id that came before.

    Args:
        what: what the ids name, such as `track`.
        path: the file that lists them.
    """

    def __init__(self, what: str, path: Path) -> None:
        self._what, self._path = what, path
        self._first: dict[str, str] = {}

    def add(self, key: str, where: str) -> str:
        """Return an id that is new.

        Args:
            key: the id.
            where: the place of the id in the file, such as `row 7`.

        Raises:
            DatasetError: it came before; the message names both places.
        """
        if key in self._first:
            raise DatasetError(
                f"{self._what} {key!r} twice in {self._path}: {self._first[key]} and {where}",
                "each once",
                "Remove one of them.",
            )
        self._first[key] = where
        return key


def read_json(path: Path, expected: str) -> Any:  # noqa: ANN401 - the callers check what they got
    """Return what a JSON file holds.

    Raises:
        DatasetError: it cannot be opened, is incomplete or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{path} cannot be read ({error})", expected, "Fetch the file again.") from error


def parse_list(value: str, where: str) -> list[Any]:
    """Return a list that a table has as a Python literal, such as `['calm', 'piano']`; nothing is executed.

    Raises:
        DatasetError: another text.
    """
    try:
        parsed = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        parsed = None
    if not isinstance(parsed, list):
        shown = value if len(value) <= 60 else f"{value[:57]}..."
        raise DatasetError(f"{where} has {shown!r}", "a list in brackets, as Python writes it", "Correct the row.")
    return parsed


def parse_integer(value: str, where: str) -> int:
    """Return a whole number that is not negative.

    Raises:
        DatasetError: another text.
    """
    if not (value.strip().isascii() and value.strip().isdigit()):
        raise DatasetError(f"{where} has {value!r}", "a whole number", "Correct the row.")
    return int(value)


def check_split(value: str, where: str) -> str | None:
    """Return the manifest's name of a split, None for an empty text.

    Raises:
        DatasetError: an unknown name.
    """
    if not value.strip():
        return None
    try:
        return _SPLITS[value.strip().lower()]
    except KeyError:
        raise DatasetError(
            f"{where} is in split {value!r}", f"one of {', '.join(_SPLITS)}", "Correct the row."
        ) from None
