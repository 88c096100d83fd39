"""The gallery of a report: each artwork with every system's music for it, and the values of each piece."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...figures.gallery import MANY, Card, Embedded, Track, heard, thumbnail
from ...types import OnStep, Step
from ..records import Collection, Piece, Subject
from ..results import Report
from .tables import decimals_for

__all__ = ["REFERENCE", "cards_of", "piece_values"]

REFERENCE = "reference"
"""The name of the artwork's real music."""


def cards_of(
    collection: Collection, systems: Sequence[str], folder: Path, *, embed: bool, on_step: OnStep
) -> list[Card]:
    """A card for each artwork. If a file cannot be read, its card says why.

    Args:
        collection: the artworks and music.
        systems: names in the order of their colours.
        folder: folder of the page, which links are relative to.
        embed: include the sounds in the page as Opus instead of linking to them.
        on_step: called after each artwork.
    """
    longest = 360 if len(collection.subjects) <= MANY else 256
    cards = []
    for done, subject in enumerate(collection.subjects.values(), start=1):
        picture, problem = thumbnail(subject.path, longest) if subject.path else ("", "")
        tracks = tuple(
            heard(
                Track(system, system, piece.name, "", systems.index(system), piece.take),
                piece.path,
                folder,
                Embedded() if embed else None,
            )
            for system, piece in _pieces(collection, systems, subject)
        )
        title = subject.id.replace("_", " ")
        cards.append(Card(subject.id, title, subject.group, subject.caption or "", picture, tracks, problem=problem))
        on_step(Step("gallery", done, len(collection.subjects)))
    return cards


def _pieces(collection: Collection, systems: Sequence[str], subject: Subject) -> list[tuple[str, Piece]]:
    found = [(s, piece) for s in systems for piece in collection.systems.get(s, ()) if piece.id == subject.id]
    return [*found, (REFERENCE, Piece(subject, path=subject.music))] if subject.music else found


def piece_values(report: Report) -> dict[str, Any]:
    """Data for the page's script: the measures with values for single pieces, and these values in the same order."""
    rows = [values for pieces in report.pieces.values() for values in pieces.values()]
    keys = [key for key in report.measures if any(math.isfinite(row.get(key, math.nan)) for row in rows)]
    measures = [
        {
            "title": report.measures[key].title,
            "unit": report.measures[key].unit,
            "decimals": decimals_for(row[key] for row in rows if key in row),
        }
        for key in keys
    ]
    values = {
        system: {piece: [_rounded(row.get(key, math.nan)) for key in keys] for piece, row in pieces.items()}
        for system, pieces in report.pieces.items()
    }
    return {"measures": measures, "values": values}


def _rounded(value: float) -> float | None:
    """Five significant digits; null for a number that is not finite."""
    return float(f"{value:.5g}") if math.isfinite(value) else None
