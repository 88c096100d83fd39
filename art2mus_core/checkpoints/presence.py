"""Checks which files of a checkpoint are installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .cards import Card
from .names import PACKAGED, home

__all__ = ["MADE", "PARTIAL", "Presence", "amount", "folder_of", "holds", "length", "look_for"]

PARTIAL = ".partial"
"""Suffix of an interrupted download, which the next one resumes."""

MADE = {"prior": ("constants/model.safetensors",)}
"""Files that are computed after the download, by kind of checkpoint."""


@dataclass(frozen=True)
class Presence:
    """The installed files of a checkpoint, by name and size; none is opened.

    Attributes:
        card: card of the checkpoint.
        folder: its folder, which may not exist.
        missing: paths of the card that are missing or of another size, or empty if the card has no size; none if the converted
            files are installed.
        bytes: size of the installed files.
        partial_bytes: size of interrupted downloads.
    """

    card: Card
    folder: Path
    missing: tuple[str, ...]
    bytes: int
    partial_bytes: int

    @property
    def complete(self) -> bool:
        """Whether every file of the card is installed."""
        return not self.missing

    @property
    def ready(self) -> bool:
        """Whether the steps after the download are done, too."""
        made = self.card.converted or MADE.get(self.card.kind, ())
        return self.complete and (self.card.then is None or all(holds(self.folder / path) for path in made))

    @property
    def state(self) -> str:
        """`here`, `partly here` or `not here`."""
        if self.complete:
            return "here"
        return "partly here" if self.bytes or self.partial_bytes else "not here"


def amount(size: int | None, unknown: str = "?") -> str:
    """A number of bytes in MB or GB."""
    if size is None:
        return unknown
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.3g} MB"


def folder_of(card: Card) -> Path:
    """The folder of a checkpoint: in the package if it is bundled, else in :func:`~.names.home`."""
    return (PACKAGED if card.bundled else home()) / card.name


def holds(path: Path, size: int | None = None) -> bool:
    """Whether a file exists with this size or, if none is given, is not empty; a full disk leaves empty files."""
    return path.is_file() and (path.stat().st_size == size if size is not None else path.stat().st_size > 0)


def look_for(card: Card, folder: Path | None = None) -> Presence:
    """Compare a card with the files in a folder, by default :func:`folder_of`."""
    folder = folder or folder_of(card)
    made = [folder / path for path in card.converted]
    if made and all(map(holds, made)):
        return Presence(card, folder, (), sum(map(length, made)), 0)
    missing = tuple(file.path for file in card.files if not holds(folder / file.path, file.size))
    found = sum(length(folder / file.path) for file in card.files if file.path not in missing)
    partial = sum(length(folder / f"{file.path}{PARTIAL}") for file in card.files)
    return Presence(card, folder, missing, found, partial)


def length(path: Path) -> int:
    """Size of a file in bytes, 0 if there is none."""
    return path.stat().st_size if path.is_file() else 0
