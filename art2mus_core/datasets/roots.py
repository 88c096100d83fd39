"""Where a dataset's files are: the folders that the paths in its tables are relative to.

A dataset made on this machine may leave pictures and music where they lie; `roots.json` says where. A dataset without that file has them
in its own folders `artworks` and `music`.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import DatasetError
from ..placing import place

__all__ = ["ROOTS", "read_roots", "write_root"]

ROOTS = "roots.json"
KINDS = "artworks", "music"


def read_roots(folder: Path) -> dict[str, Path]:
    """The folders of `artworks` and of `music`.

    Raises:
        DatasetError: `roots.json` is damaged.
    """
    return {kind: folder / place for kind, place in _stored(folder).items()}


def write_root(folder: Path, kind: str, root: Path) -> None:
    """Note the folder of `artworks` or of `music`; relative if it is inside the dataset, which can then be moved."""
    root, own = root.resolve(), folder.resolve()
    where = root.relative_to(own).as_posix() if root.is_relative_to(own) else str(root)
    place(folder / ROOTS, (json.dumps(_stored(folder) | {kind: where}, indent=1) + "\n").encode())


def _stored(folder: Path) -> dict[str, str]:
    path = folder / ROOTS
    try:
        stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return {kind: str(stored.get(kind, kind)) for kind in KINDS}
    except (OSError, ValueError, AttributeError) as error:
        raise DatasetError(f"{path} cannot be read ({error})", "two folders, as JSON", "Scan again.") from error
