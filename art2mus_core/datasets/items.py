"""What a source lists: artworks, pieces of music, texts about them, and pairs, before any file is opened."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import DatasetError

__all__ = ["ARTWORK", "MUSIC", "Item", "Match", "Text", "check_path"]

ARTWORK, MUSIC = "artwork", "music"
"""The kinds of items."""


@dataclass(frozen=True)
class Item:
    """An artwork or a piece of music.

    Attributes:
        id: unique among the items of its kind in a source.
        path: of its file, relative to the source's folder, with forward slashes.
        creator: the painter, or the musician.
        title: of the work.
        genres: styles and genres, the broadest first.
        licence: of the file, as its source states it.
        attribution: whom to name, and where the work is from.
        split: the split of its source in the manifest's words, if it has one.
        seconds: length of a piece as its source states it, which is often wrong.
        problem: what a list of its source says is wrong with the file.
        texts: captions by their origin, such as `title` or `artemis`.
        year: of the work.
    """

    id: str
    path: str
    creator: str | None = None
    title: str | None = None
    genres: tuple[str, ...] = ()
    licence: str | None = None
    attribution: str | None = None
    split: str | None = None
    seconds: float | None = None
    problem: str | None = None
    texts: tuple[tuple[str, str], ...] = ()
    year: int | None = None


@dataclass(frozen=True)
class Text:
    """A text about an artwork or a clip that may not be at hand.

    Attributes:
        id: unique in its source.
        about: the id of what it describes, in the words of its source.
        text: what was said.
        emotion: that the speaker felt.
        keywords: aspects that the source lists beside the text.
        labels: classes of the source, such as AudioSet's.
        split: the split of its source in the manifest's words, if it has one.
        part_of: the id of what `about` is a part of, such as the video of a clip; None if it is whole.
    """

    id: str
    about: str
    text: str
    emotion: str | None = None
    keywords: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    split: str | None = None
    part_of: str | None = None


@dataclass(frozen=True)
class Match:
    """An artwork and a piece of music that a published list pairs, by their paths, and the texts that come with them."""

    artwork: str
    music: str
    artwork_text: Text | None = None
    music_text: Text | None = None


def check_path(path: str, where: str) -> str:
    """Return a path with forward slashes that stays in its folder.

    Raises:
        DatasetError: it is empty, absolute, or leads out of the folder.
    """
    plain = path.replace("\\", "/")
    parts = plain.split("/")
    if not path or plain.startswith("/") or ".." in parts or (len(plain) > 1 and plain[1] == ":"):
        raise DatasetError(f"{where} points to {path!r}", "a path inside the folder", "Correct the row.")
    return "/".join(part for part in parts if part not in {"", "."})
