"""Pairs that a published list names, found among the files of a dataset."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from ..errors import DatasetError, SettingError
from ..placing import place as put
from .items import Match
from .manifest import SPLITS
from .pairing import PAIRING
from .sources import MATCH_SOURCES
from .sources.folders import MUSIC_SUFFIXES
from .sources.names import match_names, without_suffix
from .splitting import Groups, group_artworks, group_music, split
from .tables import ARTWORKS, MUSIC, PAIRS, ArtworkRow, MusicRow, PairRow, Table

__all__ = ["pair_listed"]

SOUNDS = MUSIC_SUFFIXES | {".npy", ".npz"}
"""Suffixes of sounds, and of their spectrograms in lists of Art2Music."""

Row = TypeVar("Row", ArtworkRow, MusicRow)
Found = tuple[ArtworkRow, MusicRow]


def pair_listed(
    folder: Path,
    source: str,
    place: Path,
    *,
    shares: dict[str, float],
    seed: int,
    duplicates: Iterable[Sequence[str]] = (),
) -> dict[str, Any]:
    """Write `pairs.parquet` with the pairs of a published list whose files the dataset has, and `pairing.json`.

    A file is found by its path in the list, or by its name alone; names of artworks that are written in another way are matched as in
    :func:`.sources.names.match_names`. Of several files with the right name, the first in the table is taken. A pair's split is that of its
    artwork. What a musician has in the test split is left out of the others, and what is in the validation split, out of training; so the splits
    are as free of leakage as those of :func:`.pairing.pair`.

    Args:
        folder: the dataset, scanned.
        source: name of the list's form, a key of `sources.MATCH_SOURCES`.
        place: folder of the list.
        shares: of the artworks that are held out, by `validation` and `test`.
        seed: of the splits.
        duplicates: groups of artworks' ids that a published list calls duplicates.

    Returns:
        The content of `pairing.json`.

    Raises:
        SettingError: an unknown form, or impossible shares.
        DatasetError: no list, no table, or none of the pairs is in the dataset.
    """
    if source not in MATCH_SOURCES:
        raise SettingError(f"a list {source!r}", f"one of {', '.join(MATCH_SOURCES)}", "Check the name.")
    matches = list(MATCH_SOURCES[source](place))
    artworks, music = (_usable(folder, table) for table in (ARTWORKS, MUSIC))
    pictures = _found([match.artwork for match in matches], artworks)
    pieces = _found([match.music for match in matches], music)
    found = list(_unique(matches, pictures, pieces))
    groups = group_artworks(artworks, duplicates), group_music(music)
    splits = _splits(found, groups, shares, seed)
    pairs = [
        _row(number, artwork, piece, name)
        for number, ((artwork, piece), name) in enumerate(
            (pair, name) for pair, name in zip(found, splits, strict=True) if name
        )
    ]
    if not pairs:
        raise DatasetError(
            f"{len(matches):,} pairs of {source} in {place}, of which {len(found):,} have both files in {folder}",
            "at least one",
            "Scan the pictures and the music that the list names.",
        )
    told = {
        "list": source,
        "listed": len(matches),
        "without artwork": sum(match.artwork not in pictures for match in matches),
        "without music": sum(match.music not in pieces for match in matches),
        "left out, as the musician is in another split": splits.count(None),
        "splits": {
            name: _counts([pair for pair, own in zip(found, splits, strict=True) if own == name]) for name in SPLITS
        },
        "united": {"artworks": groups[0].united, "music": groups[1].united},
    }
    PAIRS.write(folder / PAIRS.file, pairs)
    put(folder / PAIRING, (json.dumps(told, indent=1) + "\n").encode())
    return told


def _usable(folder: Path, table: Table[Row]) -> list[Row]:
    return [row for row in table.read(folder / table.file) if row.fault is None]


def _found(wanted: Iterable[str], rows: Sequence[Row]) -> dict[str, Row]:
    """The row of each path of a list that has one: by path, by id, then by the file's name."""
    paths, names = dict[str, Row](), dict[str, Row]()
    for row in reversed(rows):  # the first of several stays
        paths[row.path] = paths[without_suffix(row.path)] = paths[row.id] = row
        names[_name(row.path)] = row
    by_name = match_names({_name(path) for path in wanted}, names).found
    found = dict[str, Row]()
    for path in wanted:
        name = by_name.get(_name(path))
        match = paths.get(path) or paths.get(without_suffix(path)) or (names[name] if name is not None else None)
        if match is not None:
            found[path] = match
    return found


def _name(path: str) -> str:
    """A file's name without the suffix of a picture or a sound."""
    name = path.rsplit("/", 1)[-1]
    plain = without_suffix(name)
    suffix = PurePosixPath(plain).suffix
    return plain.removesuffix(suffix) if suffix.lower() in SOUNDS else plain


def _unique(matches: Iterable[Match], pictures: dict[str, ArtworkRow], pieces: dict[str, MusicRow]) -> Iterator[Found]:
    """The pairs with both files, each once; a list may name one several times, with other texts."""
    seen = set[tuple[str, str]]()
    for match in matches:
        artwork, piece = pictures.get(match.artwork), pieces.get(match.music)
        if artwork and piece and (key := (artwork.id, piece.id)) not in seen:
            seen.add(key)
            yield artwork, piece


def _splits(found: list[Found], groups: tuple[Groups, Groups], shares: dict[str, float], seed: int) -> list[str | None]:
    """The split of each pair; None for one that would let a musician be in two."""
    named = {artwork.id for artwork, _ in found}
    own = split(Groups({name: group for name, group in groups[0].of.items() if name in named}), shares, seed)
    taken = defaultdict[str, set[int]](set)
    for artwork, piece in found:
        taken[own[artwork.id]].add(groups[1].of[piece.id])
    closed = {"train": taken["validation"] | taken["test"], "validation": taken["test"], "test": set[int]()}
    return [name if groups[1].of[piece.id] not in closed[name := own[artwork.id]] else None for artwork, piece in found]


def _row(number: int, artwork: ArtworkRow, piece: MusicRow, name: str) -> PairRow:
    contents = artwork.file_sha256, piece.file_sha256
    return PairRow(f"{number:06d}", artwork.id, piece.id, name, None, None, *contents)


def _counts(pairs: list[Found]) -> dict[str, int]:
    artworks, pieces = (Counter(each.id for each in side) for side in zip(*pairs, strict=True)) if pairs else ({}, {})
    return {"artworks": len(artworks), "music": len(pieces), "pairs": len(pairs), "pieces used": len(pieces)}
