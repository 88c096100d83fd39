"""Writes files completely or not at all; existing files are replaced only if the caller allows it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import OutputError

__all__ = [
    "check_absent",
    "check_folder",
    "check_place",
    "check_room",
    "make_folder",
    "nearest_folder",
    "place",
    "refusals",
    "replacing",
    "tidy",
]

ELSEWHERE = "Choose another place."


@contextmanager
def replacing(path: Path, *, no_replace: bool = False) -> Iterator[Path]:
    """A temporary name in the folder of `path`; its file is renamed to `path` at the end, or deleted after an error.

    Args:
        path: the folder is created if missing.
        no_replace: keep a file that exists at `path` by then.

    Raises:
        OutputError: the folder cannot be created; or, with `no_replace`, `path` exists.
    """
    make_folder(path.parent)
    partial = path.with_name(f".{secrets.token_hex(8)}.partial")  # short, whatever the length of the file's name
    try:
        yield partial
        if no_replace:
            _put(partial, path)
        else:
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def tidy(folder: Path) -> None:
    """Delete what killed processes have left of files that they were writing in a folder; no other process may write there now."""
    for path in folder.glob(f".{'?' * 16}.partial"):
        path.unlink(missing_ok=True)


def _put(partial: Path, path: Path) -> None:
    """Rename a file in one atomic step that fails if the new name exists."""
    try:
        try:
            os.link(partial, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links, such as exFAT: creating the empty file reserves the name
            path.open("xb").close()
            try:
                partial.replace(path)
            except OSError:
                path.unlink(missing_ok=True)
                raise
    except FileExistsError as error:
        raise _taken([path]) from error


def check_absent(paths: Sequence[Path]) -> None:
    """Check that none of the files exists.

    Raises:
        OutputError: some exist; the message names them.
    """
    if existing := [path for path in paths if os.path.lexists(path)]:
        raise _taken(existing)


def _taken(paths: Sequence[Path]) -> OutputError:
    return OutputError(
        f"{', '.join(map(str, paths))} already {'exists' if len(paths) == 1 else 'exist'}",
        "a new file, as existing ones are not to be replaced",
        "Choose another name, or allow replacing.",
    )


def check_place(path: Path, suffixes: tuple[str, ...]) -> None:
    """Check that a path can be a file with one of some suffixes.

    Raises:
        OutputError: an unknown suffix, an existing folder of that name, a file in place of a folder above it, or a name that the
            file system does not allow.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{path} cannot be a file ({_reason(error)})",
            "a name that the file system allows",
            "Choose a shorter or another name.",
        ) from error
    if path.suffix.lower() not in suffixes:
        raise OutputError(
            f"the file name {path.name} ends in {path.suffix or 'no suffix'!r}",
            f"{'one of ' if len(suffixes) > 1 else ''}{', '.join(suffixes)}",
            f"Name it {path.stem or 'file'}{suffixes[0]}, for example.",
        )
    if path.is_dir():
        raise OutputError(f"{path} is a folder", "a file", "Choose another file name.")
    nearest_folder(path)


def check_folder(folder: Path) -> None:
    """Check that a path is a folder, or that one can be made there.

    Raises:
        OutputError: a file has its name, or that of a folder above it.
    """
    nearest_folder(folder / "file")


def nearest_folder(path: Path) -> Path:
    """The nearest existing folder above `path`.

    Raises:
        OutputError: it is a file.
    """
    nearest = next(each for each in (path.parent, *path.absolute().parents) if os.path.lexists(each))
    if not nearest.is_dir():
        raise OutputError(f"{nearest} is a file", "a folder", ELSEWHERE)
    return nearest


def check_room(
    path: Path, needed: int, what: str, remedy: str = "Free some space, or choose a folder on another disk."
) -> None:
    """Check that the disk on which `path` will be has room for `needed` bytes of `what`.

    Raises:
        OutputError: there is too little room, or a file is in place of a folder.
    """
    nearest = nearest_folder(path)
    free = shutil.disk_usage(nearest).free
    if free < needed:
        raise OutputError(
            f"{free / 1e9:.2f} GB are free on the disk of {nearest}", f"{needed / 1e9:.2f} GB for {what}", remedy
        )


def make_folder(folder: Path) -> None:
    """Create a folder and those above it.

    Raises:
        OutputError: a file has its name, or the system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {folder} cannot be created ({_reason(error)})", "a place you may write to", ELSEWHERE
        ) from error


@contextmanager
def refusals(path: Path, remedy: str = ELSEWHERE) -> Iterator[None]:
    """Convert the system's errors while `path` is written.

    Raises:
        OutputError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({_reason(error)})",
            "a place that you may write to, with room on its disk",
            remedy,
        ) from error


def place(path: Path, content: bytes, *, no_replace: bool = False) -> None:
    """Write `content` to `path`; see :func:`replacing`.

    Raises:
        OutputError: the file cannot be written; or, with `no_replace`, the file exists.
    """
    with refusals(path), replacing(path, no_replace=no_replace) as partial:
        partial.write_bytes(content)


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
