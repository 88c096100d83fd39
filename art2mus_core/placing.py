"""Puts a finished file in its place: whole, or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import OutputError

__all__ = ["check_place", "make_folder", "place", "replacing"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside `path` for a file that takes its place if all goes well, and vanishes if not."""
    partial = path.with_name(f".{secrets.token_hex(8)}.partial")  # short, whatever the file is called
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_place(path: Path, suffixes: tuple[str, ...]) -> None:
    """Refuse a place that cannot hold a file of one of these kinds.

    Raises:
        OutputError: unknown suffix, no such folder, a folder of that name, or a name that the disk does not take.
    """
    _check_name(path)
    if path.suffix.lower() not in suffixes:
        raise OutputError(
            f"the file name {path.name} ends in {path.suffix or 'no suffix'!r}",
            f"one of {', '.join(suffixes)}",
            f"Name it {path.stem or 'file'}{suffixes[0]}, say.",
        )
    if path.is_dir():
        raise OutputError(f"{path} is a folder", "a file", "Choose another file name.")
    if path.parent.exists() and not path.parent.is_dir():
        raise OutputError(f"{path.parent} is a file", "a folder", "Choose another place.")
    if not path.parent.is_dir():
        raise OutputError(f"the folder {path.parent} does not exist", "one that does", "Make it, or choose another.")


def _check_name(path: Path) -> None:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{path} cannot be a file ({getattr(error, 'strerror', None) or error})",
            "a name that the disk takes",
            "Choose a shorter or another name.",
        ) from error


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, if it is not there.

    Raises:
        OutputError: something else is there, or the disk does not take it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {folder} cannot be made ({error.strerror or error})",
            "a place you may write to",
            "Choose another place.",
        ) from error


def place(path: Path, content: bytes) -> None:
    """Write `content` to `path`.

    Raises:
        OutputError: the disk or the folder does not take it.
    """
    try:
        with replacing(path) as partial:
            partial.write_bytes(content)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error})",
            "a place that you may write to, with room on its disk",
            "Choose another place.",
        ) from error
