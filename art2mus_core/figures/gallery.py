"""The gallery of a page: pictures, and music that plays beside them.

Files are links relative to the page's folder, or parts of the page as data addresses.
"""

from __future__ import annotations

import base64
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

from torch.nn.functional import pad

from ..audio.coding import STANDARD
from ..audio.files import write_audio
from ..audio.mel import MelTransform
from ..audio.reading import read_audio
from ..errors import ArtworkError, AudioError
from ..images.reading import read_artwork, thumbnail_jpeg
from ..types import Waveform
from .overview import SEMITONE_GRID
from .spectrogram import heat_map

__all__ = ["MANY", "Card", "Embedded", "Track", "heard", "problems_of", "thumbnail"]

MANY = 60
"""With more artworks, thumbnails should be smaller, so that the page stays below ten megabytes."""

STRIP = (240, 44)
"""Width and height of a piece's spectrogram in pixels."""

GRID = replace(SEMITONE_GRID, hop=2 * SEMITONE_GRID.hop)
"""Half as many frames, which are still more than the strip's pixels."""

About = tuple[tuple[str, str], ...]
"""What is told of a file: names and texts."""


@dataclass(frozen=True)
class Embedded:
    """How sounds are included in a page.

    Attributes:
        quality: of Opus, see `audio.coding.KINDS`.
        seconds: the most of a piece that is included.
    """

    quality: str = STANDARD
    seconds: float = math.inf


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


def heard(track: Track, path: Path, folder: Path, embedded: Embedded | None = None) -> Track:
    """A track with the sound of a file; with a problem if it cannot be read.

    Args:
        track: what is known of the piece.
        path: of the sound.
        folder: folder of the page, which links are relative to.
        embedded: how the sound is included in the page; None to link to it.
    """
    longest = embedded.seconds if embedded else math.inf
    try:
        strip, seconds, whole = _strip(path, longest)
        source = _opus(path, embedded) if embedded else _link(path, folder)
    except AudioError as error:
        problem = error.came.replace(str(path), path.name)
        return replace(track, source="" if embedded else _link(path, folder), problem=problem)
    cut = (("excerpt", f"the first {seconds:g} of {whole:.0f} s"),) if seconds < whole else ()
    return replace(track, source=source, strip=strip, seconds=seconds, about=cut + track.about)


def _link(path: Path, folder: Path) -> str:
    """The address of a file relative to a page in `folder`, quoted; absolute for a file on another drive."""
    target = path.parent.resolve() / path.name
    try:
        relative = os.path.relpath(target, folder.resolve())
    except ValueError:
        return target.as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")), safe="/")


def _opus(path: Path, embedded: Embedded) -> str:
    """A sound file as an Opus data address."""
    sound = read_audio(path, mono=False)
    if sound.samples.shape[1] > 2:
        sound = read_audio(path)
    sound = _beginning(sound, embedded.seconds)
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "piece.opus"
        write_audio(small, sound, tags={}, cover=None, quality=embedded.quality)
        return _data("audio/ogg", small.read_bytes())


@lru_cache(maxsize=1)
def _transform() -> MelTransform:
    return MelTransform(GRID)


def _beginning(sound: Waveform, seconds: float) -> Waveform:
    return (
        sound
        if sound.seconds <= seconds
        else Waveform(sound.samples[..., : round(seconds * sound.sample_rate)], sound.sample_rate)
    )


def _strip(path: Path, longest: float) -> tuple[str, float, float]:
    """A piece's spectrogram as a WebP data address, time to the right, a row for each semitone; its length, and the whole piece's."""
    whole = read_audio(path, GRID.sample_rate)
    sound = _beginning(whole, longest)
    missing = max(max(GRID.windows) - sound.samples.shape[-1], 0)
    picture = heat_map(_transform()(pad(sound.samples, (0, missing))[0])[0], *STRIP)
    sink = BytesIO()
    picture.save(sink, "WEBP", quality=40, method=4)
    return _data("image/webp", sink.getvalue()), sound.seconds, whole.seconds


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
