"""Plain folders: all pictures, or all music, in a folder and its subfolders.

Links are followed, and each folder is listed once, so loops end. A file outside the folder, to which a link in it leads, is listed too; the scan
refuses to open it, and says so. Hidden files and folders are left out.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from ...errors import DatasetError
from ...images.listing import find_artworks
from ..items import Item

__all__ = ["MUSIC_SUFFIXES", "find_music", "read_music", "read_pictures"]

MUSIC_SUFFIXES = frozenset({".aac", ".aif", ".aiff", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav"})


def read_pictures(folder: Path) -> Iterator[Item]:
    """Yield the pictures of a folder and its subfolders, sorted by path in each folder.

    An id is the path without its suffix; with it, if another file would have the same id.

    Raises:
        DatasetError: no folder.
    """
    folder = _folder(folder)
    yield from _items(folder, find_artworks(folder, recursive=True).artworks, by_folder=False)


def read_music(folder: Path) -> Iterator[Item]:
    """Yield the music of a folder and its subfolders, by suffix; the first subfolder's name is the musician's.

    Ids are those of :func:`read_pictures`.

    Raises:
        DatasetError: no folder.
    """
    folder = _folder(folder)
    yield from _items(folder, find_music(folder), by_folder=True)


def find_music(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and its subfolders whose suffix is one of music, sorted by name in each folder."""
    visited: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(place)) in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (Path(place, name) for name in sorted(files) if not name.startswith("."))
        yield from (path for path in paths if path.suffix.lower() in MUSIC_SUFFIXES and path.is_file())


def _folder(folder: Path) -> Path:
    if not Path(folder).is_dir():
        raise DatasetError(f"{folder} is no folder", "a folder with files", "Check the path.")
    return Path(folder)


def _items(folder: Path, files: Iterable[Path], *, by_folder: bool) -> Iterator[Item]:
    """Items; bytes of a name that are no UTF-8 become U+FFFD, and the scan says so."""
    paths = [os.fsencode(path.relative_to(folder).as_posix()).decode("utf-8", "replace") for path in files]
    stems = [str(PurePosixPath(path).with_suffix("")) for path in paths]
    taken = Counter(stems) + Counter(paths)  # a stem may be another file's whole name
    for path, stem in zip(paths, stems, strict=True):
        parts = path.split("/")
        yield Item(
            id=stem if taken[stem] == 1 else path,
            path=path,
            creator=parts[0] if by_folder and len(parts) > 1 else None,
            title=PurePosixPath(stem).name,
        )
