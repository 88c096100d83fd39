"""The music of a scanned dataset that has no pairs, for training that needs none."""

from __future__ import annotations

from pathlib import Path

from .articaps import TEXT_PAIRS
from .joining import read_files
from .manifest import MANIFEST, SPLITS, Pair
from .splitting import group_music, split
from .tables import ARTWORKS, MUSIC, PAIRS, MusicRow

__all__ = ["HELD_OUT", "is_unpaired", "read_music"]

HELD_OUT = {"validation": 0.05, "test": 0.05}
"""Shares of the music that are held out; what shares a musician is in one split."""


def is_unpaired(folder: Path) -> bool:
    """Whether a dataset was scanned, and has neither pairs nor a manifest."""
    scanned, paired = (ARTWORKS.file, MUSIC.file), (PAIRS.file, TEXT_PAIRS.file, MANIFEST)
    has_some, has_pairs = (any((folder / name).is_file() for name in names) for names in (scanned, paired))
    return has_some and not has_pairs


def read_music(folder: Path) -> list[Pair]:
    """The music without a fault, each piece as a pair without an artwork; a split that its source states is kept.

    Raises:
        DatasetError: the table is damaged, or a path leads out of its folder.
    """
    if not (folder / MUSIC.file).is_file():
        return []
    found = {path: row for path, row in read_files(folder, "music").items() if isinstance(row, MusicRow)}
    drawn = split(group_music(list(found.values())), HELD_OUT, seed=0)
    return [
        Pair(
            id=row.id,
            split=row.split if row.split in SPLITS else drawn[row.id],
            artwork="",
            artwork_sha256="",
            music=path,
            seconds=row.length,
            sample_rate=row.sample_rate or 0,
            source="scanned",
            licence=row.licence or "not stated",
        )
        for path, row in found.items()
    ]
