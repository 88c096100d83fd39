"""Files that a person names: looked at before any work, so that nothing is computed for a place that cannot be written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ..errors import OutputError

__all__ = ["AsJson", "NoReplace", "check_file"]

NoReplace = Annotated[bool, typer.Option("--no-replace", help="Leave files that are there already as they are.")]
"""The option of every command that writes a file by a name; a folder that a command goes on with has none."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document as the last line of standard output.")]
"""The option of every command that can say what it did to a program."""


def check_file(path: Path, suffixes: tuple[str, ...], *, no_replace: bool = False) -> bool:
    """Refuse a file that cannot be written, before any work; its folder is made with it.

    Returns:
        Whether there is one that will be replaced.

    Raises:
        OutputError: unknown suffix, a folder that cannot be made or written to, or a file that must not be replaced.
    """
    from ..placing import check_absent, check_place, nearest_folder

    check_place(path, suffixes)
    if not os.access(path if path.exists() else nearest_folder(path), os.W_OK):
        raise OutputError(f"{path} cannot be written", "a file you may write", "Choose another place.")
    if no_replace:
        check_absent([path])
    return path.exists()
