"""The files that the user names, checked before any work, and the lines that a command prints."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import EvaluationError, OutputError, SettingError
from ..naming import as_unicode, on_one_line
from ..placing import check_absent, check_place, nearest_folder

__all__ = [
    "AsJson",
    "NoReplace",
    "check_file",
    "confirm",
    "installed_version",
    "print_document",
    "print_file",
    "print_lines",
    "raise_left_out",
    "table",
]

NoReplace = Annotated[bool, typer.Option("--no-replace", help="Keep existing files instead of replacing them.")]
"""The option of every command that writes a file by name; a folder in which a command resumes its work has none."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document as the last line of standard output.")]
"""The option of every command whose result a program may read."""


def installed_version() -> str:
    """The version of the package, or `source` if it runs without being installed."""
    try:
        return version("art2mus")
    except PackageNotFoundError:
        return "source"


def check_file(path: Path, suffixes: tuple[str, ...], *, no_replace: bool = False) -> bool:
    """Refuse a file that cannot be written, before any work. A missing folder will be created with the file.

    Returns:
        Whether an existing file will be replaced.

    Raises:
        OutputError: unknown suffix, a folder that cannot be created or written to, or a file that must not be replaced.
    """
    check_place(path, suffixes)
    if not os.access(path if path.exists() else nearest_folder(path), os.W_OK):
        raise OutputError(f"{path} cannot be written", "a file you may write", "Choose another place.")
    if no_replace:
        check_absent([path])
    return path.exists()


def confirm(question: str, remedy: str) -> bool:
    """Ask the user a question on the terminal.

    Raises:
        SettingError: standard input is not a terminal; the message ends with `remedy`.
    """
    if not sys.stdin.isatty():
        raise SettingError("there is no terminal to ask on", "--yes", remedy)
    return typer.confirm(question)


def print_lines(*lines: str) -> None:
    """Print lines on standard output; characters that are not text or would break a line are escaped."""
    sys.stdout.write("".join(f"{on_one_line(line)}\n" for line in lines))


def print_file(path: Path, *, replaced: bool) -> None:
    """Print the path of a written file, and whether it replaced another."""
    print_lines(str(path), *([f"replaced {path}"] if replaced else []))


def print_document(document: dict[str, Any]) -> None:
    """Print a JSON document on one line, the last of standard output; numbers that are not finite are null."""
    sys.stdout.write(json.dumps(_strict(document)) + "\n")
    sys.stdout.flush()


def _strict(value: Any) -> Any:  # noqa: ANN401  whatever JSON has
    """The value as every JSON reader accepts it: without lone surrogates, NaN or infinity."""
    if isinstance(value, str):
        return as_unicode(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_strict(key): _strict(each) for key, each in value.items()}
    return [_strict(each) for each in value] if isinstance(value, (list, tuple)) else value


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows of cells as lines with aligned columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def raise_left_out(problems: Iterable[str]) -> None:
    """Report at the end of a command which files could not be read, if any.

    Raises:
        EvaluationError: some could not.
    """
    if problems := list(problems):
        files = "1 file was" if len(problems) == 1 else f"{len(problems)} files were"
        raise EvaluationError(
            f"{files} left out: {'; '.join(problems)}", "files that can be read", "All others are included."
        )
