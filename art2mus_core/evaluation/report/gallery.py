"""The gallery of a report: each artwork with every system's music for it.

Files are links relative to the page's folder, or parts of the page as data addresses.
"""

from __future__ import annotations

import base64
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

from torch.nn.functional import pad

from ...audio.files import write_audio
from ...audio.mel import MelTransform
from ...audio.reading import read_audio
from ...errors import ArtworkError, AudioError
from ...figures.overview import SEMITONE_GRID
from ...figures.spectrogram import heat_map
from ...images.reading import read_artwork, thumbnail_jpeg
from ...types import OnStep, Step
from ..records import Collection, Piece, Subject
from ..results import Report
from .tables import decimals_for

__all__ = ["REFERENCE", "Card", "Track", "cards_of", "piece_values"]

REFERENCE = "reference"
"""The name of the artwork's real music."""

MANY = 60
"""With more artworks, thumbnails are smaller, so that the page stays below ten megabytes."""

STRIP = (240, 44)
"""Width and height of a piece's spectrogram in pixels."""

GRID = replace(SEMITONE_GRID, hop=2 * SEMITONE_GRID.hop)
"""Half as many frames, which are still more than the strip's pixels."""


@dataclass(frozen=True)
class Track:
    """A piece in the gallery.

    Attributes:
        system: name of the system.
        colour: number of the system's colour.
        take: empty for the first.
        piece: its name in the report.
        source: address of the sound.
        strip: address of its spectrogram; empty if the piece cannot be read.
        seconds: its length.
        problem: why the piece cannot be read; empty if it can.
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
        id: the artwork's id.
        group: its group.
        caption: its caption; empty if there is none.
        picture: address of its thumbnail; empty if there is none.
        tracks: its pieces, by system.
        problem: why the picture cannot be read; empty if it can.
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
    """A card for each artwork. If a file cannot be read, its card says why.

    Args:
        collection: the artworks and music.
        systems: names in the order of their colours.
        folder: folder of the page, which links are relative to.
        embed: include the sounds in the page as Opus instead of linking to them.
        on_step: called after each artwork.
    """
    transform, longest = MelTransform(GRID), 360 if len(collection.subjects) <= MANY else 256
    cards = []
    for done, subject in enumerate(collection.subjects.values(), start=1):
        picture, problem = _picture(subject.path, longest)
        tracks = [
            _track(transform, system, systems.index(system), piece, folder, embed=embed)
            for system, piece in _pieces(collection, systems, subject)
        ]
        cards.append(Card(subject.id, subject.group, subject.caption or "", picture, tuple(tracks), problem))
        on_step(Step("gallery", done, len(collection.subjects)))
    return cards


def _pieces(collection: Collection, systems: Sequence[str], subject: Subject) -> list[tuple[str, Piece]]:
    found = [(s, piece) for s in systems for piece in collection.systems.get(s, ()) if piece.id == subject.id]
    return [*found, (REFERENCE, Piece(subject, path=subject.music))] if subject.music else found


def _picture(path: Path | None, longest: int) -> tuple[str, str]:
    """The artwork as a JPEG data address, its longer side at most `longest` pixels; or why it cannot be read."""
    if path is None:
        return "", ""
    try:
        return _data("image/jpeg", thumbnail_jpeg(read_artwork(path), longest)), ""
    except ArtworkError as error:
        return "", error.came.replace(str(path), path.name)


def _track(transform: MelTransform, system: str, colour: int, piece: Piece, folder: Path, *, embed: bool) -> Track:
    named, path = (system, colour, piece.take, piece.name), piece.path
    try:
        strip, seconds = _strip(transform, path)
        source = _opus(path) if embed else _link(path, folder)
    except AudioError as error:
        problem = error.came.replace(str(path), path.name)
        return Track(*named, "" if embed else _link(path, folder), problem=problem)
    return Track(*named, source, strip, seconds)


def _link(path: Path, folder: Path) -> str:
    """The address of a file relative to a page in `folder`, quoted; absolute for a file on another drive."""
    target = path.parent.resolve() / path.name
    try:
        relative = os.path.relpath(target, folder.resolve())
    except ValueError:
        return target.as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")), safe="/")


def _opus(path: Path) -> str:
    """A sound file as an Opus data address."""
    sound = read_audio(path, mono=False)
    if sound.samples.shape[1] > 2:
        sound = read_audio(path)
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "piece.opus"
        write_audio(small, sound, tags={}, cover=None)
        return _data("audio/ogg", small.read_bytes())


def _strip(transform: MelTransform, path: Path) -> tuple[str, float]:
    """A piece's spectrogram as a WebP data address, time to the right, a row for each semitone; and its length in seconds."""
    sound = read_audio(path, GRID.sample_rate)
    missing = max(max(GRID.windows) - sound.samples.shape[-1], 0)
    picture = heat_map(transform(pad(sound.samples, (0, missing))[0])[0], *STRIP)
    sink = BytesIO()
    picture.save(sink, "WEBP", quality=40, method=4)
    return _data("image/webp", sink.getvalue()), sound.seconds


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


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
