"""The gallery of a report: each artwork, and the music of each system for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import Art2MusError, ArtworkError, AudioError
from ...types import OnStep, Step
from ..records import Collection, Piece, Subject
from ..results import Report
from .media import Strips, link_to, opus_data, thumbnail_data
from .tables import decimals_for

__all__ = ["REFERENCE", "Card", "Track", "cards_of", "piece_values"]

REFERENCE = "reference"
"""What the artwork's own music is called."""

MANY = 60
"""With more artworks than this, their thumbnails are smaller, so that the page stays below ten megabytes."""


@dataclass(frozen=True)
class Track:
    """A piece in the gallery.

    Attributes:
        system: whose it is.
        colour: of the system.
        take: empty for the first.
        piece: its name in the report.
        source: address of the sound.
        strip: address of its spectrogram; empty where it cannot be drawn.
        seconds: its length.
        problem: why it cannot be heard or seen; empty if all is well.
    """

    system: str
    colour: int
    take: str
    piece: str
    source: str
    strip: str = ""
    seconds: float = 0.0
    problem: str = ""


@dataclass(frozen=True)
class Card:
    """An artwork and its music.

    Attributes:
        id: of the artwork.
        group: of artworks.
        caption: words on it.
        picture: address of its thumbnail; empty where there is none.
        tracks: its pieces, system by system.
        problem: why it cannot be seen; empty if all is well.
    """

    id: str
    group: str
    caption: str
    picture: str
    tracks: tuple[Track, ...]
    problem: str = ""


def cards_of(
    collection: Collection, systems: Sequence[str], folder: Path, *, embed: bool, on_step: OnStep
) -> list[Card]:
    """A card an artwork. A file that cannot be read does not stop the page: its card says why.

    Args:
        collection: what is shown.
        systems: names in the order of their colours.
        folder: of the page, which links are relative to.
        embed: put the sounds into the page as Opus instead of linking to them.
        on_step: told after each artwork.
    """
    strips, longest = Strips(), 360 if len(collection.subjects) <= MANY else 256
    cards = []
    for done, subject in enumerate(collection.subjects.values(), start=1):
        picture, problem = _picture(subject.path, longest)
        tracks = [
            _track(strips, system, systems.index(system), piece, folder, embed=embed)
            for system, piece in _pieces(collection, systems, subject)
        ]
        cards.append(Card(subject.id, subject.group, subject.caption or "", picture, tuple(tracks), problem))
        on_step(Step("gallery", done, len(collection.subjects)))
    return cards


def _pieces(collection: Collection, systems: Sequence[str], subject: Subject) -> list[tuple[str, Piece]]:
    found = [(s, piece) for s in systems for piece in collection.systems.get(s, ()) if piece.id == subject.id]
    return [*found, (REFERENCE, Piece(subject, path=subject.music))] if subject.music else found


def _picture(path: Path | None, longest: int) -> tuple[str, str]:
    if path is None:
        return "", ""
    try:
        return thumbnail_data(path, longest), ""
    except ArtworkError as error:
        return "", _problem(error, path)


def _track(strips: Strips, system: str, colour: int, piece: Piece, folder: Path, *, embed: bool) -> Track:
    named = (system, colour, piece.take, piece.name)
    try:
        strip, seconds = strips.draw(piece.path)
        source = opus_data(piece.path) if embed else link_to(piece.path, folder)
    except AudioError as error:
        return Track(*named, "" if embed else link_to(piece.path, folder), problem=_problem(error, piece.path))
    return Track(*named, source, strip, seconds)


def _problem(error: Art2MusError, path: Path) -> str:
    """Without the folder, which means nothing to who reads the page."""
    return error.came.replace(str(path), path.name)


def piece_values(report: Report) -> dict[str, Any]:
    """What the page's script sorts by and shows: measures that have values a piece, and these in the same order."""
    keys = [
        key
        for key in report.measures
        if any(math.isfinite(row.get(key, math.nan)) for rows in report.pieces.values() for row in rows.values())
    ]
    decimals = {
        key: decimals_for(row[key] for rows in report.pieces.values() for row in rows.values() if key in row)
        for key in keys
    }
    measures = [
        {"title": report.measures[key].title, "unit": report.measures[key].unit, "decimals": decimals[key]}
        for key in keys
    ]
    values = {
        system: {piece: [_rounded(row.get(key, math.nan)) for key in keys] for piece, row in rows.items()}
        for system, rows in report.pieces.items()
    }
    return {"measures": measures, "values": values}


def _rounded(value: float) -> float | None:
    """Five significant digits, and what is not finite as null."""
    return float(f"{value:.5g}") if math.isfinite(value) else None
