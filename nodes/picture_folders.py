"""Folders of artworks: subfolders of the host's input folder, and the packaged samples."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

import folder_paths

from ..art2mus_core.checkpoints.memory import check_memory
from ..art2mus_core.errors import ArtworkError, SettingError
from ..art2mus_core.images.formats import suffixes
from ..art2mus_core.images.listing import describe_skipped, find_artworks, list_artworks, samples
from ..art2mus_core.naming import as_unicode, name_files
from .folders import LONGEST_NAME
from .packing import packed_bytes

__all__ = ["all_pictures", "check_room", "choose", "folder_names", "names_of", "pictures_of"]

SAMPLES, INPUT = "Samples", "input"

DEEPEST = 4
"""Levels of subfolders of the input folder that are listed."""


def folder_names() -> list[str]:
    """Names of the samples, of the input folder, and of its subfolders with pictures."""
    root = _root()
    found = []
    for place, folders, files in os.walk(root):
        below = Path(place).relative_to(root)
        folders[:] = [name for name in folders if not name.startswith(".") and len(below.parts) < DEEPEST]
        if below.parts and any(_is_picture(file) for file in files):
            found.append(PurePosixPath(INPUT, *below.parts).as_posix())
    return [SAMPLES, INPUT, *sorted(found, key=_natural)]


def pictures_of(name: str) -> list[Path]:
    """The pictures of a folder in natural order: 2 before 10.

    Links to files outside the input folder are skipped.

    Args:
        name: a name from :func:`folder_names`.

    Raises:
        ArtworkError: there is no such folder, it has no pictures, or it links to a place outside the input folder.
    """
    pictures = _listed(name)
    if not pictures:
        skipped = describe_skipped(find_artworks(_inside(name)).skipped, 0)
        raise ArtworkError(
            f"{name} contains no picture{f' ({skipped})' if skipped else ''}",
            "at least one",
            "Put pictures into it or choose another folder.",
        )
    return pictures


def choose(name: str, start: int, count: int | None) -> list[Path]:
    """`count` pictures of a folder, beginning with number `start`, counted from 1; a count of 0 or None takes the rest.

    Raises:
        ArtworkError: as in :func:`pictures_of`, or `start` is beyond the last picture.
    """
    pictures = pictures_of(name)
    if start > len(pictures):
        raise ArtworkError(
            f"picture {start} of {name}", f"1 to {len(pictures)}", "Set start to a number in this range."
        )
    return pictures[start - 1 :][: count or None]


def all_pictures(name: str | None) -> list[Path]:
    """The pictures of a folder, or of all folders in :func:`folder_names`.

    Raises:
        ArtworkError: there is no such folder.
    """
    return [path for each in ([name] if name else folder_names()) for path in _listed(each)]


def check_room(paths: list[Path], name: str, *, free: int | None = None) -> None:
    """Check that the pictures fit into memory, before the first is read.

    Args:
        paths: the picture files.
        name: name of their folder, for the message.
        free: free memory in bytes; measured if None.

    Raises:
        ArtworkError: they need more memory than is free.
    """
    try:
        check_memory(sum(map(packed_bytes, paths)), f"to hold {len(paths)} pictures of {name}", free=free)
    except SettingError as error:
        raise ArtworkError(
            error.came, error.expected, "Load fewer at a time: set count, and start for the next ones."
        ) from error


def names_of(paths: list[Path]) -> list[str]:
    """File names without suffixes, as valid Unicode and short enough for `name` of Save Audio."""
    return [name_files([as_unicode(path.stem)], LONGEST_NAME)[0].stem for path in paths]


def _listed(name: str) -> list[Path]:
    if name == SAMPLES:
        return list(samples().values())
    pictures = [path for path in list_artworks(_inside(name)) if path.resolve().is_relative_to(_root())]
    return sorted(pictures, key=lambda path: _natural(path.name))


def _is_picture(file: str) -> bool:
    return not file.startswith(".") and Path(file).suffix.lower() in suffixes()


def _root() -> Path:
    return Path(folder_paths.get_input_directory()).resolve()


def _inside(name: str) -> Path:
    """The folder of a name from :func:`folder_names`.

    Raises:
        ArtworkError: there is no such folder, or it links to a place outside the input folder.
    """
    first, *parts = name.split("/")
    path = _root().joinpath(*parts)
    if first != INPUT or not path.is_dir():
        raise ArtworkError(f"no folder {name!r}", f"one of {', '.join(folder_names())}", "Choose another folder.")
    if not path.resolve().is_relative_to(_root()):
        raise ArtworkError(
            f"{name!r} leads out of ComfyUI's input folder",
            "a folder in it",
            "Copy the pictures into the input folder.",
        )
    return path


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key that compares the numbers within a name by value."""
    parts = re.findall(r"(\d+)|(\D+)", name)
    return [(int(number or -1), text.casefold()) for number, text in parts] + [(-2, name)]
