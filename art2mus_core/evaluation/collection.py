"""Reads the folder that is scored: artworks, the pieces of each system, real music, and captions.

    FOLDER/artworks/ID.jpg         artworks
    FOLDER/SYSTEM/ID.flac          a system's piece for an artwork; further takes are ID--TAKE.flac
    FOLDER/reference/ID.flac       real music of that artwork
    FOLDER/background/*.flac       real music that belongs to none of the artworks, for comparing sets of sounds
    FOLDER/items.json              {ID: {"caption": ..., "music_caption": ..., "group": ...}}

Only the systems are required. A folder that directly contains sound files is one system. Names are matched also if they differ in
case or in how accents are written, or if `compose` shortened them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from ..configuration import Fields
from ..errors import ArtworkError, EvaluationError
from ..images.listing import list_artworks
from ..naming import take_name
from .fields import read_json
from .pairing import Ids, inside, shared_ids, spelled_once
from .records import Collection, Piece, Subject, ids_by_group

__all__ = ["RESERVED", "SOUNDS", "files_by_stem", "list_sounds", "read_collection"]

SOUNDS = (".aif", ".aiff", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav")
RESERVED = ("artworks", "reference", "background")
"""Names of folders that are not systems."""


def read_collection(
    folder: Path,
    *,
    artworks: Path | None = None,
    reference: Path | None = None,
    background: Path | None = None,
    partial: bool = False,
) -> Collection:
    """The contents of a folder.

    Args:
        folder: a folder as above.
        artworks: a folder of pictures elsewhere.
        reference: a folder of real music elsewhere, named by the artworks' ids.
        background: a folder of real music elsewhere.
        partial: leave out artworks and music without a partner, with a note, instead of raising.

    Raises:
        EvaluationError: nothing to score, two files for one id, or files without a partner.
        ArtworkError: no such folder of artworks.
    """
    folder = Path(folder)
    systems = _systems(folder)
    pictures = _pictures(artworks or inside(folder, "artworks"), required=artworks is not None)
    if not pictures and artworks is None and len(systems) == 1:
        pictures = _pictures(folder, required=False)
    ids = Ids(set(pictures) or spelled_once([path.stem for path in files] for files in systems.values()))
    described = _described(_items(inside(folder, "items.json")), ids)
    pieces = {name: _pieces(files, ids, name) for name, files in systems.items()}
    sounds = list_sounds(reference or inside(folder, "reference"), required=reference is not None)
    music = {piece.id: piece.path for piece in _pieces(sounds, ids, "reference", takes=False)}
    have = {**{name: {piece.id for piece in own} for name, own in pieces.items()}, "reference": set(music)}
    shared, notes = shared_ids(ids_by_group(described), have, partial=partial)
    if empty := [name for name in pieces if not have[name] & shared]:
        raise EvaluationError(
            f"no piece of {empty[0]} has all its partners ({len(pictures)} artworks)",
            "artworks and music whose file names agree up to the suffix",
            "Rename the files.",
        )
    others = list_sounds(background or inside(folder, "background"), required=background is not None)
    subjects = {key: replace(described[key], path=pictures.get(key), music=music.get(key)) for key in sorted(shared)}
    systems_pieces = {name: tuple(own) for name, own in pieces.items()}
    return Collection(folder, {}, systems_pieces, tuple(others), tuple(notes)).with_subjects(subjects)


def _systems(folder: Path) -> dict[str, list[Path]]:
    if not folder.is_dir():
        raise EvaluationError(f"{folder} is not a folder", "a folder of music", "Check the path.")
    own = list_sounds(folder, required=False)
    reserved = {inside(folder, name) for name in RESERVED}
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and path not in reserved)
    found = {path.name: list_sounds(path, required=False) for path in folders if not path.name.startswith(".")}
    systems = {name: files for name, files in found.items() if files}
    if own and systems:
        raise EvaluationError(
            f"{folder} contains both sound files and folders of sound files ({', '.join(systems)})",
            "either one system's files, or a folder for each system",
            "Move the files into a folder of their own.",
        )
    if not own and not systems:
        raise EvaluationError(
            f"{folder} contains no music",
            f"sound files ({', '.join(SOUNDS)}), or a folder of them for each system",
            "Choose another folder, or compose into it first.",
        )
    return systems or {folder.resolve().name: own}


def _pictures(folder: Path, *, required: bool) -> dict[str, Path]:
    if not required and not folder.is_dir():
        return {}
    found = list_artworks(folder)
    if required and not found:
        raise ArtworkError(f"{folder} contains no picture", "at least one", "Choose another folder.")
    return files_by_stem(found, folder.name)


def list_sounds(folder: Path, *, required: bool) -> list[Path]:
    """The sound files in a folder, sorted.

    Args:
        folder: the folder.
        required: raise if it is missing or empty, instead of returning an empty list.

    Raises:
        EvaluationError: a folder that cannot be listed, or a required one without sounds.
    """
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
            f"{folder} contains no music",
            f"sound files ({', '.join(SOUNDS)})",
            "Choose another folder, or leave it out.",
        )
    return found


def files_by_stem(files: Iterable[Path], where: str) -> dict[str, Path]:
    """Files by stem.

    Raises:
        EvaluationError: two files with the same stem.
    """
    found: dict[str, Path] = {}
    for path in files:
        if found.setdefault(path.stem, path) != path:
            raise _twice(where, path.stem, found[path.stem], path, takes=False)
    return found


def _twice(where: str, name: str, first: Path, second: Path, *, takes: bool) -> EvaluationError:
    return EvaluationError(
        f"{where} has two files for the id {name}: {first.name} and {second.name}",
        "one file for each id",
        "Remove one of them, or name it as a further take: ID--TAKE."
        if takes
        else "Rename or remove one of them, and its partner.",
    )


def _pieces(files: Iterable[Path], ids: Ids, where: str, *, takes: bool = True) -> list[Piece]:
    """Files matched with ids and takes, sorted; without `takes`, a whole name is an id."""
    found: dict[tuple[str, str], Path] = {}
    for path in files:
        key = ids.piece(path.stem) if takes else (ids.find(path.stem) or path.stem, "")
        if key in found:
            raise _twice(where, take_name(*key), found[key], path, takes=takes)
        found[key] = path
    return [Piece(Subject(key), take, path) for (key, take), path in sorted(found.items())]


def _described(items: Mapping[str, Subject], ids: Ids) -> dict[str, Subject]:
    """A subject for every id, with its captions and group where items.json has them."""
    spelled = Ids(items)
    names = {each: spelled.find(each) for each in sorted(ids.exact)}
    return {each: Subject(each) if name is None else replace(items[name], id=each) for each, name in names.items()}


class _Item(Fields):
    """An entry of items.json."""

    caption: str | None = None
    music_caption: str | None = None
    group: str = Field(default="artworks", min_length=1)


ITEMS = '{"ID": {"caption": "text", "music_caption": "text", "group": "name"}}'


def _items(path: Path) -> dict[str, Subject]:
    items = read_json(path, dict[str, _Item], ITEMS) if path.is_file() else {}
    return {key: Subject(key, **item.model_dump()) for key, item in items.items()}
