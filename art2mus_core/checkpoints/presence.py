"""What of a checkpoint is on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .cards import Card
from .names import PACKAGED, home

__all__ = ["MADE", "PARTIAL", "Presence", "amount", "folder_of", "holds", "look_for"]

PARTIAL = ".partial"
"""Suffix of what an interrupted download leaves, and the next one goes on from."""

MADE = {"prior": ("constants/model.safetensors",)}
"""Files that are made, not fetched, by the kind of checkpoint they belong to."""


@dataclass(frozen=True)
class Presence:
    """What was found of a checkpoint, by the names and sizes of its files; nothing is opened.

    Attributes:
        card: of the checkpoint.
        folder: where it is, or would be.
        missing: paths of the card that are not there, or are there in another size, or empty where the card has none;
            none if what they are converted to is there.
        bytes: of the files that are there.
        partial_bytes: of interrupted downloads.
    """

    card: Card
    folder: Path
    missing: tuple[str, ...]
    bytes: int
    partial_bytes: int

    @property
    def complete(self) -> bool:
        """Whether every file of the card is there."""
        return not self.missing

    @property
    def ready(self) -> bool:
        """Whether what comes after fetching is done too."""
        made = self.card.converted or MADE.get(self.card.kind, ())
        return self.complete and (self.card.then is None or all(holds(self.folder / path) for path in made))

    @property
    def state(self) -> str:
        """`here`, `partly here` or `not here`."""
        if self.complete:
            return "here"
        return "partly here" if self.bytes or self.partial_bytes else "not here"


def amount(size: int | None, unknown: str = "?") -> str:
    """Bytes for a person."""
    if size is None:
        return unknown
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.3g} MB"


def folder_of(card: Card) -> Path:
    """The folder of a checkpoint: in the package if it is bundled, else below :func:`~.names.home`."""
    return (PACKAGED if card.bundled else home()) / card.name


def holds(path: Path, size: int | None = None) -> bool:
    """Whether a file is there in its size; where that is not known, an empty one is what a full disk left."""
    return path.is_file() and (path.stat().st_size == size if size is not None else path.stat().st_size > 0)


def look_for(card: Card, folder: Path | None = None) -> Presence:
    """Compare a card with the disk, in a folder or else in :func:`folder_of`."""
    folder = folder or folder_of(card)
    made = [folder / path for path in card.converted]
    if made and all(map(holds, made)):
        return Presence(card, folder, (), sum(path.stat().st_size for path in made), 0)
    missing, found, partial = [], 0, 0
    for file in card.files:
        path = folder / file.path
        if holds(path, file.size):
            found += path.stat().st_size
        else:
            missing.append(file.path)
        begun = path.with_name(path.name + PARTIAL)
        partial += begun.stat().st_size if begun.is_file() else 0
    return Presence(card, folder, tuple(missing), found, partial)
