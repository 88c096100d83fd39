"""The pairs of a dataset with tables (manifest version 2), as training and evaluation read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DatasetError
from .captions import captions_of
from .items import check_path
from .manifest import SPLITS, Pair
from .roots import read_roots
from .sides import TABLES
from .tables import ARTWORKS, MUSIC, PAIRS, ArtworkRow, MusicRow, PairRow

__all__ = ["Joined", "caption_of", "read_files", "read_joined", "read_rows", "trouble_of"]


@dataclass(frozen=True)
class Joined:
    """A pair with its two rows.

    Attributes:
        pair: the pair.
        artwork: its artwork.
        music: its music.
        files: of the picture and of the sound.
        comments: what viewers said about the picture.
    """

    pair: PairRow
    artwork: ArtworkRow
    music: MusicRow
    files: tuple[Path, Path]
    comments: tuple[str, ...] = ()


def read_rows(folder: Path) -> list[Joined]:
    """Read the pairs in `folder`, in the order of their table, with the rows that they name.

    Raises:
        DatasetError: a table is missing or damaged, something is wrong with a pair (:func:`trouble_of`), or a path leads out of
            its folder.
    """
    roots = read_roots(folder)
    artworks = {row.id: row for row in ARTWORKS.read(folder / ARTWORKS.file)}
    music = {row.id: row for row in MUSIC.read(folder / MUSIC.file)}
    joined, seen = [], set[str]()
    for pair in PAIRS.read(folder / PAIRS.file):
        trouble = trouble_of(pair, artworks, music) or ("comes twice" if pair.id in seen else None)
        if trouble:
            raise DatasetError(
                f"{_where(folder, pair)} {trouble}", "pairs of scanned files", "Pair again with `art2mus dataset pair`."
            )
        seen.add(pair.id)
        artwork, piece = artworks[pair.artwork], music[pair.music]
        picture, sound = (
            roots[kind] / check_path(item.path, _where(folder, pair))
            for kind, item in (("artworks", artwork), ("music", piece))
        )
        joined.append(Joined(pair, artwork, piece, (picture, sound)))
    return joined


def trouble_of(pair: PairRow, artworks: Mapping[str, ArtworkRow], music: Mapping[str, MusicRow]) -> str | None:
    """What is wrong with a pair, given the rows by id; None if nothing is."""
    sides = ((pair.artwork, artworks, pair.artwork_content), (pair.music, music, pair.music_content))
    for name, rows, content in sides:
        row = rows.get(name)
        if row is None:
            return f"names {name!r}, which is not there"
        if row.fault is not None:
            return f"names {name!r}, which has a fault ({row.fault})"
        if content not in {None, row.file_sha256}:
            return f"names {name!r}, of which the file has changed since it was paired"
    if pair.split not in SPLITS:
        return f"is in split {pair.split!r}"
    if pair.score is not None and not math.isfinite(pair.score):
        return f"has similarity {pair.score}"
    return None


def read_joined(folder: Path) -> list[Pair]:
    """Read the pairs in `folder`, with the paths of their files.

    Raises:
        DatasetError: as :func:`read_rows`, or a path leads out of its folder.
    """
    roots, rows, pairs = read_roots(folder), read_rows(folder), []
    seen = captions_of(folder, "artworks", (row.artwork for row in rows))
    heard = captions_of(folder, "music", (row.music for row in rows))
    for row in rows:
        sides = (("artworks", row.artwork), ("music", row.music))
        places = (_place(folder, roots[kind], item.path, _where(folder, row.pair)) for kind, item in sides)
        captions = caption_of(seen[row.artwork.id]), caption_of(heard[row.music.id])
        pairs.append(_joined(row.pair, row.artwork, row.music, *places, captions=captions))
    return pairs


def read_files(folder: Path, kind: str) -> dict[str, ArtworkRow | MusicRow]:
    """The rows of a side that have no fault, by the paths that pairs have.

    Args:
        folder: the dataset, scanned.
        kind: `artworks` or `music`.

    Raises:
        DatasetError: the table is damaged, or a path leads out of its folder.
    """
    table, root = TABLES[kind], read_roots(folder)[kind]
    rows = (row for row in table.read(folder / table.file) if row.fault is None)
    return {_place(folder, root, row.path, f"{folder / table.file}: row {row.id}"): row for row in rows}


def _where(folder: Path, pair: PairRow) -> str:
    return f"{folder / PAIRS.file}: pair {pair.id}"


def _place(folder: Path, root: Path, path: str, where: str) -> str:
    """A file's path: relative to the dataset if it is inside, as in other manifests."""
    place = root / check_path(path, where)
    return (place.relative_to(folder) if place.is_relative_to(folder) else place).as_posix()


def _joined(
    pair: PairRow,
    artwork: ArtworkRow,
    piece: MusicRow,
    picture: str,
    sound: str,
    *,
    captions: tuple[str | None, str | None],
) -> Pair:
    return Pair(
        id=pair.id,
        split=pair.split,
        artwork=picture,
        artwork_sha256=artwork.sha256 or "",
        music=sound,
        seconds=piece.length,
        sample_rate=piece.sample_rate or 0,
        source="paired",
        licence="; ".join(dict.fromkeys(each or "not stated" for each in (artwork.licence, piece.licence))),
        artwork_caption=captions[0],
        music_caption=captions[1],
    )


def caption_of(captions: Sequence[tuple[str, str]]) -> str | None:
    """The last of a row's captions, the most specific one; None if it has none."""
    return captions[-1][1] if captions else None
