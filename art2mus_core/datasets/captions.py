"""The captions of a dataset's artworks and music: from their metadata, their sources, and captioners. Each names its origin.

Captions are for evaluation, its baselines and people. Training reads pairs, pictures and sounds, and no text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .known import read_note
from .sides import TABLES
from .tables import ArtworkRow, MusicRow, Table

__all__ = [
    "CAPTIONS",
    "FOLDER",
    "METADATA",
    "CaptionRow",
    "captions_of",
    "describe_row",
    "read_captions",
    "stored_captions",
]

FOLDER = "captions"
"""Folder of the shards, in which each origin has a folder of its own, `artworks-NAME` or `music-NAME`."""

METADATA = "metadata"
"""The origin of captions that say what a table says of a work."""

NOUNS = {ArtworkRow: "A painting", MusicRow: "A piece of music"}

Captions = dict[str, tuple[tuple[str, str], ...]]
"""Pairs of origin and text by a row's id, the least specific first."""


@dataclass(frozen=True)
class CaptionRow:
    """The captions of a row from one origin.

    Attributes:
        id: of the row.
        content: `file_sha256` of the row, by which captions are found again and those of another file are left out.
        texts: captions, each on one line.
        fault: why there is none.
    """

    id: str
    content: str
    texts: tuple[str, ...] = ()
    fault: str | None = None


CAPTIONS = Table("captions.parquet", CaptionRow)


def read_captions(folder: Path, kind: str) -> Captions:
    """The captions of the usable rows of `artworks` or `music`, by their ids: pairs of origin and text, the least specific first.

    First the one from metadata, then those of the row's source, then those of captioners and of sources of texts, by name. An origin may have
    several captions of one work. Captions of a file that has changed since are left out.

    Raises:
        DatasetError: a table or a shard is missing or damaged.
    """
    table = TABLES[kind]
    return captions_of(folder, kind, table.read(folder / table.file))


def captions_of(folder: Path, kind: str, rows: Iterable[ArtworkRow | MusicRow]) -> Captions:
    """The captions of rows that were read before, as :func:`read_captions`."""
    origins = {
        origin: {(row.id, row.content): row.texts for row in stored}
        for origin, stored in stored_captions(folder, kind).items()
    }
    found = Captions()
    for row in rows:
        if row.fault is None:
            described = describe_row(row)
            stored = (
                (origin, text)
                for origin, captions in origins.items()
                for text in captions.get((row.id, row.file_sha256 or ""), ())
            )
            found[row.id] = (*([(METADATA, described)] if described else []), *row.texts, *stored)
    return found


def describe_row(row: ArtworkRow | MusicRow) -> str | None:
    """What a table says of a work, as a sentence; None if it says nothing.

    Such as `A painting called "Water Lilies" by Claude Monet from 1908: Impressionism, landscape.`
    """
    parts = [
        f' called "{row.title}"' if row.title else "",
        f" by {row.creator}" if row.creator else "",
        f" from {row.year}" if row.year else "",
        f": {', '.join(row.genres)}" if row.genres else "",
    ]
    return " ".join(f"{NOUNS[type(row)]}{''.join(parts)}.".split()) if any(parts) else None


def stored_captions(folder: Path, kind: str) -> dict[str, Iterator[CaptionRow]]:
    """The rows of the complete shards of each origin, by its name, also those of files that have changed since.

    Raises:
        DatasetError: while they are read, if a shard is damaged.
    """
    places = sorted(place for place in (folder / FOLDER).glob(f"{kind}-*") if place.is_dir())
    return {place.name.removeprefix(f"{kind}-"): _rows(place) for place in places}


def _rows(place: Path) -> Iterator[CaptionRow]:
    complete = (path for path in sorted(place.glob("*.parquet")) if read_note(path))
    return (row for path in complete for row in CAPTIONS.read(path))
