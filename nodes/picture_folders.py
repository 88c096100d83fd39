"""Folders of artworks: those in the host's input folder, and the packaged samples."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import folder_paths

from ..art2mus_core.checkpoints.memory import check_memory
from ..art2mus_core.errors import ArtworkError, SettingError
from ..art2mus_core.images.formats import suffixes
from ..art2mus_core.images.listing import describe_skipped, find_artworks, list_artworks, samples
from ..art2mus_core.naming import as_unicode, name_files
from .folders import LONGEST_NAME
from .packing import packed_bytes

__all__ = ["check_room", "choose", "everything", "folder_names", "marks", "names_of", "pictures_of"]

SAMPLES, INPUT = "Samples", "input"

DEEPEST = 4
"""Levels of folders in the input folder that are listed."""


def folder_names() -> list[str]:
    """The samples, the input folder, and the folders in it that hold pictures."""
    root = _root()
    found = []
    for place, folders, files in os.walk(root):
        below = Path(place).relative_to(root)
        folders[:] = [name for name in folders if not name.startswith(".") and len(below.parts) < DEEPEST]
        if below.parts and any(_is_picture(file) for file in files):
            found.append(PurePosixPath(INPUT, *below.parts).as_posix())
    return [SAMPLES, INPUT, *sorted(found, key=_natural)]


def pictures_of(name: str) -> list[Path]:
    """The pictures of a folder, in the order of their names as a person counts: 2 before 10.

    Links to pictures outside of the input folder are left out.

    Args:
        name: from :func:`folder_names`.

    Raises:
        ArtworkError: no such folder, one without pictures, or one that leads out of the input folder.
    """
    pictures = _listed(name)
    if not pictures:
        left = describe_skipped(find_artworks(_inside(name)).skipped, 0)
        raise ArtworkError(
            f"{name} holds no picture{f' ({left})' if left else ''}",
            "at least one",
            "Put pictures into it or choose another folder.",
        )
    return pictures


def choose(name: str, start: int, count: int | None) -> list[Path]:
    """`count` pictures of a folder from the `start`-th on, counted from 1; 0 or None for all that are left.

    Raises:
        ArtworkError: as :func:`pictures_of`; or there are not so many.
    """
    pictures = pictures_of(name)
    if start > len(pictures):
        raise ArtworkError(
            f"picture {start} of {name}", f"1 to {len(pictures)}", "Set start to the number of a picture that is there."
        )
    return pictures[start - 1 :][: count or None]


def everything(name: str | None) -> list[Path]:
    """The pictures of a folder, or of all that :func:`folder_names` lists.

    Raises:
        ArtworkError: no such folder.
    """
    return [path for each in ([name] if name else folder_names()) for path in _listed(each)]


def check_room(paths: list[Path], name: str, *, free: int | None = None) -> None:
    """Refuse pictures for which there is no memory, before the first is read.

    Args:
        paths: of the pictures.
        name: of their folder, for the message.
        free: bytes; what the machine has if not given.

    Raises:
        ArtworkError: they take more than is free.
    """
    try:
        check_memory(sum(map(packed_bytes, paths)), f"to hold {len(paths)} pictures of {name}", free=free)
    except SettingError as error:
        raise ArtworkError(
            error.came, error.expected, "Take fewer at a time: set count, and start for the next ones."
        ) from error


def marks(paths: Iterable[Path]) -> list[str]:
    """What changes when one of the files is exchanged, added or taken away; nothing is read."""
    found = [(path, path.stat()) for path in paths]
    return [f"{path} {about.st_size} {about.st_mtime_ns}" for path, about in found]


def names_of(paths: list[Path]) -> list[str]:
    """Names of the pictures without their suffixes, as the `name` of Save Audio takes them: text, and not too long."""
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
    """The folder behind a name.

    Raises:
        ArtworkError: there is none, or it is somewhere else.
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
    """Numbers within a name compare as numbers."""
    parts = re.findall(r"(\d+)|(\D+)", name)
    return [(int(number or -1), text.casefold()) for number, text in parts] + [(-2, name)]
