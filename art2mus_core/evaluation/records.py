"""The records of an evaluation: an artwork, a piece of music for it, and the collection that is scored."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from ..errors import ArtworkError
from ..naming import take_name
from ..pipelines.settings import noise_seed

__all__ = ["Collection", "Piece", "Subject", "SystemGroup", "ids_by_group"]


@dataclass(frozen=True)
class Subject:
    """An artwork of an evaluation.

    Attributes:
        id: its name in the evaluation.
        path: the picture file, if there is one.
        group: artworks that are reported together, such as `paintings` and `synthetic`.
        caption: a description of the artwork.
        music: file of its real music, if there is any.
        music_caption: a description of that music.
        comments: what viewers said about the artwork.
        sha256: hash of its upright pixels; empty until the picture has been read.
    """

    id: str
    path: Path | None = None
    group: str = "artworks"
    caption: str | None = None
    music: Path | None = None
    music_caption: str | None = None
    comments: tuple[str, ...] = ()
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
    """A piece of music for an artwork, composed or to be composed.

    Attributes:
        subject: the artwork.
        take: distinguishes several pieces for one artwork; empty for the first.
        path: the sound file.
        take_seed: the evaluation's seed for this take.
    """

    subject: Subject
    take: str = ""
    path: Path = Path()
    take_seed: int = field(default=0, compare=False)

    @property
    def id(self) -> str:
        """The artwork's id."""
        return self.subject.id

    @property
    def name(self) -> str:
        """`ID`, or `ID--TAKE`."""
        return take_name(self.subject.id, self.take)

    @property
    def seed(self) -> int:
        """The seed of the piece's noise: differs between artworks, is the same for all systems."""
        return noise_seed(self.take_seed, self.subject.sha256)


class SystemGroup(NamedTuple):
    """A system's pieces for one group of artworks; each is a row of the report.

    Attributes:
        system: name of the system.
        group: name of the group.
        title: the system, followed by the group if there are several groups.
        pieces: sorted by id and take.
    """

    system: str
    group: str
    title: str
    pieces: tuple[Piece, ...]

    @property
    def paths(self) -> list[Path]:
        """The pieces' files."""
        return [piece.path for piece in self.pieces]

    @property
    def owners(self) -> Int[np.ndarray, " pieces"]:
        """The number of each piece's artwork; takes for one artwork share it."""
        return np.unique([piece.id for piece in self.pieces], return_inverse=True)[1]

    @property
    def artworks(self) -> int:
        """Number of artworks that the pieces are for."""
        return len({piece.id for piece in self.pieces})

    def restricted(self, ids: Container[str]) -> SystemGroup:
        """The same with only the pieces for artworks among `ids`."""
        return self._replace(pieces=tuple(piece for piece in self.pieces if piece.id in ids))


@dataclass(frozen=True)
class Collection:
    """The contents of a folder that is scored.

    Attributes:
        folder: its path.
        subjects: artworks by id, sorted.
        systems: pieces by system, sorted by id and take.
        background: real music that belongs to none of the artworks.
        notes: sentences for the reader, such as which files were left out.
        left_out: files that cannot be read, with the reason.
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
        """Number of artworks in each group, sorted by name."""
        return {group: len(ids) for group, ids in ids_by_group(self.subjects).items()}

    @property
    def system_groups(self) -> tuple[SystemGroup, ...]:
        """Every system with every group that it has pieces for."""
        groups = self.groups
        found = [
            SystemGroup(
                system,
                group,
                system if len(groups) == 1 else f"{system} · {group}",
                tuple(piece for piece in pieces if piece.subject.group == group),
            )
            for system, pieces in self.systems.items()
            for group in groups
        ]
        return tuple(each for each in found if each.pieces)

    def with_subjects(self, subjects: Mapping[str, Subject]) -> Collection:
        """The collection with other artworks, without pieces for artworks not among them and systems without pieces."""
        kept = {
            name: tuple(replace(piece, subject=subjects[piece.id]) for piece in pieces if piece.id in subjects)
            for name, pieces in self.systems.items()
        }
        return replace(self, subjects=subjects, systems={name: pieces for name, pieces in kept.items() if pieces})


def ids_by_group(subjects: Mapping[str, Subject]) -> dict[str, set[str]]:
    """Ids of the artworks in each group, sorted by the group's name."""
    groups: dict[str, set[str]] = {}
    for key, subject in subjects.items():
        groups.setdefault(subject.group, set()).add(key)
    return dict(sorted(groups.items()))
