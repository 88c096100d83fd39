"""The gallery of a page: pictures, and music that plays beside them.

Files are links relative to the page's folder, or parts of the page as data addresses.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

from torch.nn.functional import pad

from ..audio.files import write_audio
from ..audio.mel import MelTransform
from ..audio.reading import read_audio
from ..errors import ArtworkError, AudioError
from ..images.reading import read_artwork, thumbnail_jpeg
from .overview import SEMITONE_GRID
from .spectrogram import heat_map

__all__ = ["MANY", "Card", "Track", "heard", "problems_of", "thumbnail"]

MANY = 60
"""With more artworks, thumbnails should be smaller, so that the page stays below ten megabytes."""

STRIP = (240, 44)
"""Width and height of a piece's spectrogram in pixels."""

GRID = replace(SEMITONE_GRID, hop=2 * SEMITONE_GRID.hop)
"""Half as many frames, which are still more than the strip's pixels."""

About = tuple[tuple[str, str], ...]
"""What is told of a file: names and texts."""


@dataclass(frozen=True)
class Track:
    """A piece in the gallery.

    Attributes:
        system: the system that made it, by which its values are found.
        title: what is written beside it.
        piece: its name, by which its values are found.
        source: address of the sound; empty if there is none, None if the page has no sounds.
        colour: number of its colour.
        take: empty for the first.
        strip: address of its spectrogram; empty if there is none.
        seconds: its length.
        about: what is told of it.
        problem: why the piece cannot be read; empty if it can.
    """

    system: str
    title: str
    piece: str
    source: str | None
    colour: int = 0
    take: str = ""
    strip: str = ""
    seconds: float = 0.0
    about: About = ()
    problem: str = ""


@dataclass(frozen=True)
class Card:
    """An artwork and its music.

    Attributes:
        id: unique on the page.
        title: its heading.
        group: its group.
        caption: the line below; empty if there is none.
        picture: address of its thumbnail; empty if there is none, None if the page has no pictures.
        tracks: its pieces.
        about: what is told of the artwork.
        problem: why the picture cannot be read; empty if it can.
    """

    id: str
    title: str
    group: str
    caption: str
    picture: str | None
    tracks: tuple[Track, ...]
    about: About = ()
    problem: str = ""


def problems_of(cards: Sequence[Card]) -> Iterator[str]:
    """The files that cannot be read, each with the reason."""
    for card in cards:
        named = [(card.id, card.problem), *((f"{each.system}/{each.piece}", each.problem) for each in card.tracks)]
        yield from (f"{name}: {problem}" for name, problem in named if problem)


def thumbnail(path: Path, longest: int) -> tuple[str, str]:
    """An artwork as a JPEG data address, its longer side at most `longest` pixels; or why it cannot be read."""
    try:
        return _data("image/jpeg", thumbnail_jpeg(read_artwork(path), longest)), ""
    except ArtworkError as error:
        return "", error.came.replace(str(path), path.name)


def heard(track: Track, path: Path, folder: Path, *, embed: bool) -> Track:
    """A track with the sound of a file; with a problem if it cannot be read.

    Args:
        track: what is known of the piece.
        path: of the sound.
        folder: folder of the page, which links are relative to.
        embed: include the sound in the page as Opus instead of linking to it.
    """
    try:
        strip, seconds = _strip(path)
        source = _opus(path) if embed else _link(path, folder)
    except AudioError as error:
        problem = error.came.replace(str(path), path.name)
        return replace(track, source="" if embed else _link(path, folder), problem=problem)
    return replace(track, source=source, strip=strip, seconds=seconds)


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


@lru_cache(maxsize=1)
def _transform() -> MelTransform:
    return MelTransform(GRID)


def _strip(path: Path) -> tuple[str, float]:
    """A piece's spectrogram as a WebP data address, time to the right, a row for each semitone; and its length in seconds."""
    sound = read_audio(path, GRID.sample_rate)
    missing = max(max(GRID.windows) - sound.samples.shape[-1], 0)
    picture = heat_map(_transform()(pad(sound.samples, (0, missing))[0])[0], *STRIP)
    sink = BytesIO()
    picture.save(sink, "WEBP", quality=40, method=4)
    return _data("image/webp", sink.getvalue()), sound.seconds


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
