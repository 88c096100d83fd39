"""The files of a dataset, each once however many pairs it is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from ...datasets.joining import read_files
from ...datasets.manifest import Pair
from ...datasets.tables import ARTWORKS, MUSIC

__all__ = ["Side", "Source", "read_sides"]


@dataclass(frozen=True)
class Source:
    """A file whose features are stored.

    Attributes:
        path: of the file, relative to the dataset.
        content: what identifies it: a digest of its content if the dataset knows it, else its path; with the length of music.
        seconds: length of music; 0 for a picture.
        sha256: digest of its content, if the dataset's tables have it.
    """

    path: str
    content: str
    seconds: float = 0.0
    sha256: str | None = None


@dataclass(frozen=True)
class Side:
    """The artworks or the music of a dataset.

    Attributes:
        files: those of different content.
        of: the file of each pair; -1 for none.
    """

    files: list[Source]
    of: Int[np.ndarray, " pairs"]


def read_sides(folder: Path, pairs: Sequence[Pair], *, unpaired: bool = False) -> tuple[Side, Side]:
    """The artworks and the music of a dataset.

    Artworks that are in no pair are left out, unless the dataset is unpaired.

    Args:
        folder: the dataset.
        pairs: its pairs, or its music if it is unpaired.
        unpaired: whether it was scanned without being paired.

    Raises:
        DatasetError: a table is damaged.
    """
    seen, heard = _contents(folder, ARTWORKS.file), _contents(folder, MUSIC.file)
    pictures = [
        Source(pair.artwork, sha256 or pair.artwork_sha256 or pair.artwork, sha256=sha256)
        for pair in pairs
        for sha256 in [seen.get(pair.artwork)]
    ]
    sounds = [
        Source(pair.music, f"{sha256 or pair.music} {pair.seconds!r}", pair.seconds, sha256)
        for pair in pairs
        for sha256 in [heard.get(pair.music)]
    ]
    if unpaired:
        alone = _once([Source(path, sha256 or path, sha256=sha256) for path, sha256 in seen.items()]).files
        return Side(alone, np.full(len(pairs), -1)), _once(sounds)
    return _once(pictures), _once(sounds)


def _contents(folder: Path, table: str) -> dict[str, str | None]:
    """Digests of the scanned files by their paths; nothing for a dataset with a manifest."""
    if not (folder / table).is_file():
        return {}
    return {path: row.file_sha256 for path, row in read_files(folder, table.removesuffix(".parquet")).items()}


def _once(sources: Sequence[Source]) -> Side:
    """The sources of different content, in their first order."""
    first = dict[str, int]()
    of = [first.setdefault(source.content, len(first)) for source in sources]
    files = dict[int, Source]()
    for place, source in zip(of, sources, strict=True):
        files.setdefault(place, source)
    return Side(list(files.values()), np.array(of, int))
