"""The artworks that were named: files, and what lies in folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ArtworkError

if TYPE_CHECKING:
    from ..images.listing import Skipped

__all__ = ["Gathered", "gather"]

HINT = "; --recursive looks into folders"


@dataclass(frozen=True)
class Gathered:
    """Artworks, and what was left out of their folders.

    Attributes:
        files: the artworks.
        below: for each, the folder in which it lies, relative to the one that was named.
        several: whether their music needs a folder, even if there is one only.
        skipped: what is no artwork.
        note: one line on that, or nothing.
    """

    files: tuple[Path, ...]
    below: tuple[Path, ...]
    several: bool
    skipped: tuple[Skipped, ...] = ()
    note: str = ""


def gather(artworks: Sequence[Path], *, recursive: bool = False) -> Gathered:
    """Files as they were named, and the artworks of folders.

    Raises:
        ArtworkError: a folder holds no artwork.
    """
    from ..images.listing import find_artworks, say_skipped

    files: list[Path] = []
    below: list[Path] = []
    skipped: list[Skipped] = []
    for path in artworks:
        if not path.is_dir():
            files, below = [*files, path], [*below, Path()]
            continue
        listing = find_artworks(path, recursive=recursive)
        if not listing.artworks:
            said = say_skipped(listing.skipped, 0)
            raise ArtworkError(
                f"{path} holds no picture{f' ({said})' if said else ''}", "at least one", "Choose another folder."
            )
        files += listing.artworks
        below += [file.parent.relative_to(path) for file in listing.artworks]
        skipped += listing.skipped
    note = say_skipped(skipped, len(files))
    if any(each.path.is_dir() for each in skipped) and not recursive:
        note += HINT
    several = len(artworks) > 1 or any(path.is_dir() for path in artworks)
    return Gathered(tuple(files), tuple(below), several, tuple(skipped), note)
