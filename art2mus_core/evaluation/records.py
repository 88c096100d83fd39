"""An artwork of an evaluation, a piece of music for it, and all that lies in a folder that is scored."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import ArtworkError
from ..naming import take_name
from ..pipelines.settings import MOST_SEED

__all__ = ["Collection", "Piece", "Subject"]


@dataclass(frozen=True)
class Subject:
    """An artwork of an evaluation, and what is known of it.

    Attributes:
        id: its name here.
        path: of the picture, where there is one.
        group: artworks that are reported together, such as `paintings` and `synthetic`.
        caption: words on the artwork.
        music: its real music, where there is any.
        music_caption: words on that music.
        sha256: its identity, of its upright pixels; empty until it is looked at.
    """

    id: str
    path: Path | None = None
    group: str = "artworks"
    caption: str | None = None
    music: Path | None = None
    music_caption: str | None = None
    sha256: str = field(default="", compare=False)

    @property
    def picture(self) -> Path:
        """The path of the picture.

        Raises:
            ArtworkError: there is none.
        """
        if self.path is None:
            raise ArtworkError(f"no picture of {self.id}", "one for every piece", "Add it to the artworks.")
        return self.path


@dataclass(frozen=True)
class Piece:
    """A piece of music for an artwork, made or to be made.

    Attributes:
        subject: the artwork.
        take: what tells several pieces for one artwork apart; empty for the first.
        path: of the sound file.
        drawn: the evaluation's seed for this take.
    """

    subject: Subject
    take: str = ""
    path: Path = Path()
    drawn: int = field(default=0, compare=False)

    @property
    def id(self) -> str:
        """Of its artwork."""
        return self.subject.id

    @property
    def name(self) -> str:
        """`ID`, or `ID--TAKE`."""
        return take_name(self.subject.id, self.take)

    @property
    def seed(self) -> int:
        """The piece's own: artworks don't share their noise, and all systems get the same for an artwork and a take."""
        digest = hashlib.sha256(f"{self.drawn} {self.subject.sha256}".encode()).digest()
        return int.from_bytes(digest[:8], "little") & MOST_SEED


@dataclass(frozen=True)
class Collection:
    """A folder to be scored.

    Attributes:
        folder: where it lies.
        subjects: artworks by id, sorted.
        systems: pieces by system, sorted by id and take.
        background: real music of no artwork here.
        notes: what was left out, in sentences.
        left_out: files that cannot be read, and why.
    """

    folder: Path
    subjects: Mapping[str, Subject]
    systems: Mapping[str, tuple[Piece, ...]]
    background: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: Mapping[Path, str] = field(default_factory=dict)

    @property
    def artworks(self) -> dict[str, Path]:
        """Pictures by id."""
        return {key: subject.path for key, subject in self.subjects.items() if subject.path}

    @property
    def reference(self) -> dict[str, Path]:
        """Real music by id."""
        return {key: subject.music for key, subject in self.subjects.items() if subject.music}

    @property
    def groups(self) -> dict[str, int]:
        """How many artworks each group has, sorted by name."""
        return dict(sorted(Counter(subject.group for subject in self.subjects.values()).items()))

    def of(self, subjects: Mapping[str, Subject]) -> Collection:
        """The same with other artworks: pieces for those that are not among them are left out, and systems without any."""
        kept = {
            name: tuple(replace(piece, subject=subjects[piece.id]) for piece in own if piece.id in subjects)
            for name, own in self.systems.items()
        }
        return replace(self, subjects=subjects, systems={name: own for name, own in kept.items() if own})
