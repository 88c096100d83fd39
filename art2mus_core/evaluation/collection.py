"""What lies in a folder that is to be scored: artworks, the pieces of each system, real music, and words.

    FOLDER/artworks/ID.jpg         artworks
    FOLDER/SYSTEM/ID.flac          a system's piece for an artwork; further takes are ID--TAKE.flac
    FOLDER/reference/ID.flac       real music of that artwork
    FOLDER/background/*.flac       real music of no artwork here, which sound is compared with
    FOLDER/items.json              {ID: {"caption": ..., "music_caption": ..., "group": ...}}

Only the systems are needed. A folder that holds sound files itself is one system.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..errors import ArtworkError, EvaluationError
from ..images.listing import list_artworks
from .partners import Partners

__all__ = ["RESERVED", "SOUNDS", "Collection", "Item", "Piece", "read_collection"]

SOUNDS = (".aif", ".aiff", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav")
RESERVED = ("artworks", "reference", "background")
"""Folders that are no system."""

TAKE = "--"


class Piece(NamedTuple):
    """A piece of a system.

    Attributes:
        id: of its artwork.
        take: what tells several pieces for one artwork apart; empty for the first.
        path: of the sound file.
    """

    id: str
    take: str
    path: Path

    @property
    def name(self) -> str:
        """`ID`, or `ID--TAKE`."""
        return f"{self.id}{TAKE}{self.take}" if self.take else self.id


@dataclass(frozen=True)
class Item:
    """What is known of an artwork.

    Attributes:
        caption: words on the artwork.
        music_caption: words on its real music.
        group: artworks that are reported together, such as `paintings` and `synthetic`.
    """

    caption: str | None = None
    music_caption: str | None = None
    group: str = "artworks"


@dataclass(frozen=True)
class Collection:
    """A folder to be scored.

    Attributes:
        folder: where it lies.
        artworks: by id, sorted; empty where there are none.
        systems: pieces by system, sorted by id and take.
        reference: real music by the artwork's id.
        background: real music of no artwork here.
        items: of every id.
        notes: what was left out, in sentences.
    """

    folder: Path
    artworks: Mapping[str, Path]
    systems: Mapping[str, tuple[Piece, ...]]
    reference: Mapping[str, Path] = field(default_factory=dict)
    background: tuple[Path, ...] = ()
    items: Mapping[str, Item] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups of the artworks, sorted."""
        return tuple(sorted({item.group for item in self.items.values()}))


def read_collection(
    folder: Path,
    *,
    artworks: Path | None = None,
    reference: Path | None = None,
    background: Path | None = None,
    partial: bool = False,
) -> Collection:
    """What lies in a folder.

    Args:
        folder: as above.
        artworks: a folder of pictures elsewhere.
        reference: a folder of real music elsewhere, by the artworks' ids.
        background: a folder of real music elsewhere.
        partial: leave out what has no partner, and say so in the notes, instead of refusing it.

    Raises:
        EvaluationError: nothing to score, two files for one id, or what has no partner.
        ArtworkError: no such folder of artworks.
    """
    folder = Path(folder)
    systems = _systems(folder)
    pictures = _pictures(artworks or folder / "artworks", required=artworks is not None)
    if not pictures and artworks is None and len(systems) == 1:
        pictures = _pictures(folder, required=False)
    known = _items(folder / "items.json")
    ids = set(pictures) or {_id(path.stem, None) for files in systems.values() for path in files}
    items = {key: known.get(key, Item()) for key in sorted(ids)}
    partners = Partners(_by_group(items), partial=partial)
    pieces = {name: _pieces(_named(files, name), ids) for name, files in systems.items()}
    music = _named(_sounds(reference or folder / "reference", required=reference is not None), "reference")
    kept = partners.common(
        {**{name: {each.id for each in own} for name, own in pieces.items()}, "reference": set(music)}
    )
    kept_pieces = {name: tuple(piece for piece in own if piece.id in kept) for name, own in pieces.items()}
    _require_music(kept_pieces, pictures)
    return Collection(
        folder,
        {key: pictures[key] for key in sorted(kept) if key in pictures},
        kept_pieces,
        {key: music[key] for key in sorted(kept) if key in music},
        tuple(_sounds(background or folder / "background", required=background is not None)),
        {key: items[key] for key in sorted(kept)},
        tuple(partners.notes),
    )


def _systems(folder: Path) -> dict[str, list[Path]]:
    if not folder.is_dir():
        raise EvaluationError(f"{folder} is no folder", "a folder of music", "Check the path.")
    own = _sounds(folder, required=False)
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and path.name not in RESERVED)
    found = {path.name: _sounds(path, required=False) for path in inside if not path.name.startswith(".")}
    systems = {name: files for name, files in found.items() if files}
    if own and systems:
        raise EvaluationError(
            f"{folder} holds sound files itself and folders of them ({', '.join(systems)})",
            "either one system's files, or a folder for each system",
            "Move the files into a folder of their own.",
        )
    if not own and not systems:
        raise EvaluationError(
            f"{folder} holds no music",
            f"sound files ({', '.join(SOUNDS)}), or a folder of them for each system",
            "Choose another folder, or compose into it first.",
        )
    return systems or {folder.resolve().name: own}


def _pictures(folder: Path, *, required: bool) -> dict[str, Path]:
    if not required and not folder.is_dir():
        return {}
    found = list_artworks(folder)
    if required and not found:
        raise ArtworkError(f"{folder} holds no picture", "at least one", "Choose another folder.")
    return _named(found, folder.name)


def _sounds(folder: Path, *, required: bool) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        if not required and not folder.exists():
            return []
        raise EvaluationError(
            f"{folder} cannot be listed ({error.strerror})", "a folder of music", "Check the path."
        ) from error
    found = [path for path in entries if path.suffix.lower() in SOUNDS and not path.name.startswith(".")]
    if required and not found:
        raise EvaluationError(
            f"{folder} holds no music", f"sound files ({', '.join(SOUNDS)})", "Choose another folder, or leave it out."
        )
    return found


def _named(files: Iterable[Path], where: str) -> dict[str, Path]:
    """Files by stem."""
    found: dict[str, Path] = {}
    for path in files:
        if path.stem in found:
            raise EvaluationError(
                f"{where} has two files for the id {path.stem}: {found[path.stem].name} and {path.name}",
                "one file an id",
                "Remove one of them, or name it as a further take: ID--TAKE.",
            )
        found[path.stem] = path
    return found


def _id(stem: str, ids: set[str] | None) -> str:
    """The id that a file's stem names: all of it if there is such an artwork, or what stands before the last `--`."""
    return stem if ids is not None and stem in ids else stem.rpartition(TAKE)[0] or stem


def _pieces(files: Mapping[str, Path], ids: set[str]) -> list[Piece]:
    owners = {stem: _id(stem, ids) for stem in files}
    return sorted(Piece(own, stem[len(own) + len(TAKE) :], files[stem]) for stem, own in owners.items())


def _by_group(items: Mapping[str, Item]) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    for key, item in items.items():
        groups.setdefault(item.group, set()).add(key)
    return groups


def _items(path: Path) -> dict[str, Item]:
    if not path.is_file():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {key: Item(**row) for key, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise EvaluationError(
            f"{path} cannot be understood ({type(error).__name__}: {error})",
            '{"ID": {"caption": "words", "music_caption": "words", "group": "name"}}',
            "Mend the file, or remove it.",
        ) from error


def _require_music(systems: Mapping[str, tuple[Piece, ...]], pictures: Mapping[str, Path]) -> None:
    for name, pieces in systems.items():
        if not pieces:
            raise EvaluationError(
                f"no piece of {name} has all its partners ({len(pictures)} artworks)",
                "artworks and music whose file names agree up to the suffix",
                "Rename the files.",
            )
