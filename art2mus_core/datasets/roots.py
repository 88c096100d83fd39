"""Where a dataset's files are: the folders that the paths in its tables are relative to.

A dataset made on this machine may leave pictures and music where they lie; `roots.json` says where. A dataset without that file has them
in its own folders `artworks` and `music`.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..digests import file_digest
from ..errors import DatasetError
from ..placing import place
from .items import Item

__all__ = ["ROOTS", "read_roots", "scanned", "write_root"]

ROOTS = "roots.json"
KINDS = "artworks", "music"
AGAIN = "Put it back, or scan again with `art2mus dataset scan`."


def read_roots(folder: Path) -> dict[str, Path]:
    """The folders of `artworks` and of `music`.

    Raises:
        DatasetError: `roots.json` is damaged.
    """
    return {kind: folder / place for kind, place in _stored(folder).items()}


def scanned(root: Path, row: Item) -> Path:
    """The file of a row, which is the one that was scanned.

    Args:
        root: folder of the source, resolved.
        row: with `path` and `file_sha256`.

    Raises:
        DatasetError: another file, none, or one outside the folder.
    """
    path = root / row.path
    try:
        same = path.resolve().is_relative_to(root) and file_digest(path) == getattr(row, "file_sha256", None)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror})", "the file that was scanned", AGAIN) from error
    if not same:
        raise DatasetError(f"{path} is not the file that was scanned", "that file", AGAIN)
    return path


def write_root(folder: Path, kind: str, root: Path) -> None:
    """Note the folder of `artworks` or of `music`; relative if it is inside the dataset, which can then be moved."""
    root, own = root.resolve(), folder.resolve()
    where = root.relative_to(own).as_posix() if root.is_relative_to(own) else str(root)
    place(folder / ROOTS, (json.dumps(_stored(folder) | {kind: where}, indent=1) + "\n").encode())


def _stored(folder: Path) -> dict[str, str]:
    path = folder / ROOTS
    try:
        stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        found = {kind: stored.get(kind, kind) for kind in KINDS}
        if not all(isinstance(each, str) and each for each in found.values()):
            raise ValueError("a folder that is no text")
    except (OSError, ValueError, AttributeError) as error:
        raise DatasetError(f"{path} cannot be read ({error})", "two folders, as JSON", "Scan again.") from error
    return found
