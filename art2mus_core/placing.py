"""Puts a finished file in its place: whole, or not at all, and if asked so only where there is none."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import OutputError

__all__ = ["check_absent", "check_place", "make_folder", "nearest_folder", "place", "replacing"]


@contextmanager
def replacing(path: Path, *, no_replace: bool = False) -> Iterator[Path]:
    """A name beside `path` for a file that takes its place if all goes well, and vanishes if not.

    Args:
        path: its folder is made if it is not there.
        no_replace: leave a file alone that is there by then, whoever wrote it.

    Raises:
        OutputError: no folder can be there; or, with `no_replace`, there is such a file.
    """
    make_folder(path.parent)
    partial = path.with_name(f".{secrets.token_hex(8)}.partial")  # short, whatever the file is called
    try:
        yield partial
        if no_replace:
            _put(partial, path)
        else:
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _put(partial: Path, path: Path) -> None:
    """Give a file its name in one step that fails if the name is taken."""
    try:
        try:
            os.link(partial, path)
        except FileExistsError:
            raise
        except OSError:  # a disk without hard links, such as exFAT: whoever makes the empty file first has the name
            path.open("xb").close()
            try:
                partial.replace(path)
            except OSError:
                path.unlink(missing_ok=True)
                raise
    except FileExistsError as error:
        raise _taken([path]) from error


def check_absent(paths: Sequence[Path]) -> None:
    """Refuse to replace files.

    Raises:
        OutputError: one of them is there; the message names those that are.
    """
    if there := [path for path in paths if os.path.lexists(path)]:
        raise _taken(there)


def _taken(paths: Sequence[Path]) -> OutputError:
    return OutputError(
        f"{', '.join(map(str, paths))} {'is' if len(paths) == 1 else 'are'} there already",
        "no file, as none is to be replaced",
        "Choose another name, or have it replaced.",
    )


def check_place(path: Path, suffixes: tuple[str, ...]) -> None:
    """Refuse a place that cannot hold a file of one of these kinds.

    Raises:
        OutputError: unknown suffix, a folder of that name, a file where a folder is needed, or a name that the disk does
            not take.
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
    nearest_folder(path)


def nearest_folder(path: Path) -> Path:
    """The folder that `path` goes into, or the nearest above it that is there.

    Raises:
        OutputError: it is a file.
    """
    nearest = next(each for each in (path.parent, *path.absolute().parents) if os.path.lexists(each))
    if not nearest.is_dir():
        raise OutputError(f"{nearest} is a file", "a folder", "Choose another place.")
    return nearest


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


def place(path: Path, content: bytes, *, no_replace: bool = False) -> None:
    """Write `content` to `path`; see :func:`replacing`.

    Raises:
        OutputError: the disk or the folder does not take it; or, with `no_replace`, a file is there.
    """
    try:
        with replacing(path, no_replace=no_replace) as partial:
            partial.write_bytes(content)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error})",
            "a place that you may write to, with room on its disk",
            "Choose another place.",
        ) from error
