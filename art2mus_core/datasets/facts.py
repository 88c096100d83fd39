"""What a dataset is made of, in numbers: counts by split, and histograms."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..figures.paper import ticks
from .faults import kind_of
from .joining import Joined
from .manifest import SPLITS
from .sides import TABLES
from .tables import ArtworkRow, MusicRow

__all__ = ["Captions", "Counts", "Facts", "Histogram", "facts_of", "faults_of"]

MOST = 12
"""Bars of a histogram over names."""

BINS = 12
"""About so many bars of a histogram over numbers."""

UNKNOWN = "not stated"

Captions = Mapping[str, Mapping[str, Sequence[tuple[str, str]]]]
"""Origins and texts by id, of `artworks` and of `music`."""


@dataclass(frozen=True)
class Counts:
    """The size of a split.

    Attributes:
        split: its name.
        pairs: number of pairs.
        commented: number of pairs with comments of viewers.
        artworks: number of different artworks.
        painters: number of their creators.
        pieces: number of different pieces of music.
        musicians: number of their creators.
        hours: length of the different pieces together.
    """

    split: str
    pairs: int
    commented: int
    artworks: int
    painters: int
    pieces: int
    musicians: int
    hours: float


@dataclass(frozen=True)
class Histogram:
    """How many have which value.

    Attributes:
        title: what is counted by what.
        unit: of what is counted, in the plural.
        bars: values as text, and counts.
        others: number of values that are not listed.
        rest: how many have one of them.
    """

    title: str
    unit: str
    bars: tuple[tuple[str, int], ...]
    others: int = 0
    rest: int = 0


@dataclass(frozen=True)
class Facts:
    """The splits that have pairs, their sum as the last if there are several, and histograms without the empty ones."""

    counts: tuple[Counts, ...]
    histograms: tuple[Histogram, ...]


def facts_of(rows: Sequence[Joined], captions: Captions) -> Facts:
    """Count pairs, and what they consist of; each artwork and each piece counts once.

    Args:
        rows: the pairs.
        captions: of the artworks and the music.
    """
    parts = {split: [row for row in rows if row.pair.split == split] for split in SPLITS}
    counts = [_counts(split, part) for split, part in parts.items() if part]
    whole = [_counts("all", rows)] if len(counts) > 1 else []
    artworks = list({row.artwork.id: row.artwork for row in rows}.values())
    music = list({row.music.id: row.music for row in rows}.values())
    uses = Counter(row.music.id for row in rows).values()
    histograms = (
        _numbers("Similarity of the pairs", "pairs", [row.pair.score for row in rows if row.pair.score is not None]),
        _doubling("Pairs of a piece of music", "pieces", uses),
        _numbers("Length of the music in seconds", "pieces", [piece.length for piece in music]),
        *_described("artworks", "artworks", artworks, captions["artworks"]),
        *_described("music", "pieces", music, captions["music"]),
    )
    return Facts((*counts, *whole), tuple(each for each in histograms if each.bars))


def faults_of(folder: Path) -> list[Histogram]:
    """How many scanned files of a dataset have each kind of fault, without the sides that have none.

    Raises:
        DatasetError: a table is damaged.
    """
    found = []
    for kind, table in TABLES.items():
        if not (folder / table.file).is_file():
            continue
        rows = table.read(folder / table.file, ["id", "path", "fault"])
        found.append(_names(f"Faults of {kind}", "files", (kind_of(row.fault) for row in rows if row.fault)))
    return [each for each in found if each.bars]


def _counts(split: str, rows: Sequence[Joined]) -> Counts:
    artworks = {row.artwork.id: row.artwork for row in rows}.values()
    music = {row.music.id: row.music for row in rows}.values()
    hours = math.fsum(piece.length for piece in music) / 3600
    commented = sum(bool(row.comments) for row in rows)
    sides = (len(artworks), _creators(artworks), len(music), _creators(music))
    return Counts(split, len(rows), commented, *sides, hours)


def _creators(items: Iterable[ArtworkRow | MusicRow]) -> int:
    return len({item.creator for item in items} - {None})


def _described(
    kind: str, unit: str, items: Sequence[ArtworkRow | MusicRow], captions: Mapping[str, Sequence[tuple[str, str]]]
) -> list[Histogram]:
    origins = (origin for item in items for origin, _ in captions.get(item.id, ()))
    return [
        _names(f"Licences of the {kind}", unit, (item.licence or UNKNOWN for item in items)),
        _names(f"Styles and genres of the {kind}", unit, (genre for item in items for genre in item.genres)),
        _names(f"Creators of the {kind}", unit, (item.creator or UNKNOWN for item in items)),
        _names(f"Captions of the {kind} by origin", "captions", origins),
    ]


def _names(title: str, unit: str, names: Iterable[str]) -> Histogram:
    """The most frequent names first, ties by name."""
    ranked = sorted(Counter(names).items(), key=lambda bar: (-bar[1], bar[0]))
    others = ranked[MOST:]
    return Histogram(title, unit, tuple(ranked[:MOST]), len(others), sum(count for _, count in others))


def _numbers(title: str, unit: str, values: Sequence[float]) -> Histogram:
    """Bars of equal width with round ends; a value at an end belongs to the upper bar."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    if high - low <= 1e-6 * max(1.0, abs(high)):
        return Histogram(title, unit, ((f"{low:.4g}", len(values)),) if values else ())
    edges = ticks(low, high, about=BINS)
    step = edges[1] - edges[0]
    places = Counter(math.floor(round((value - edges[0]) / step, 9)) for value in values)
    bars = []
    for place in range(min(places), max(places) + 1):
        ends = (round(edges[0] + step * end, 9) for end in (place, place + 1))
        label = " to ".join(f"{end:,g}".replace("-", "\N{MINUS SIGN}") for end in ends)
        bars.append((label, places[place]))
    return Histogram(title, unit, tuple(bars))


def _doubling(title: str, unit: str, values: Iterable[int]) -> Histogram:
    """Bars for 1, 2, 3 to 4, 5 to 8 and so on."""
    places = Counter((value - 1).bit_length() for value in values)
    bars = []
    for place in range(max(places, default=-1) + 1):
        low, high = 2**place // 2 + 1, 2**place
        bars.append((f"{low:,}" if low >= high else f"{low:,} to {high:,}", places[place]))
    return Histogram(title, unit, tuple(bars))
