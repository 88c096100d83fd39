"""What lies in a folder that is to be scored: artworks, the pieces of each system, real music, and words.

    FOLDER/artworks/ID.jpg         artworks
    FOLDER/SYSTEM/ID.flac          a system's piece for an artwork; further takes are ID--TAKE.flac
    FOLDER/reference/ID.flac       real music of that artwork
    FOLDER/background/*.flac       real music of no artwork here, which sound is compared with
    FOLDER/items.json              {ID: {"caption": ..., "music_caption": ..., "group": ...}}

Only the systems are needed. A folder that holds sound files itself is one system. Names pair also where they differ in case or
in how accents are written, and where a long one was shortened by `compose`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import ArtworkError, EvaluationError
from ..images.listing import list_artworks
from ..naming import take_name
from .pairing import Ids, inside, spelled_once
from .partners import Partners
from .records import Collection, Piece, Subject

__all__ = ["RESERVED", "SOUNDS", "read_collection"]

SOUNDS = (".aif", ".aiff", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav")
RESERVED = ("artworks", "reference", "background")
"""Folders that are no system."""


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
    pictures = _pictures(artworks or inside(folder, "artworks"), required=artworks is not None)
    if not pictures and artworks is None and len(systems) == 1:
        pictures = _pictures(folder, required=False)
    ids = Ids(set(pictures) or spelled_once([path.stem for path in files] for files in systems.values()))
    told = _known(_items(inside(folder, "items.json")), ids)
    pieces = {name: _pieces(files, ids, name) for name, files in systems.items()}
    sounds = _sounds(reference or inside(folder, "reference"), required=reference is not None)
    music = {piece.id: piece.path for piece in _pieces(sounds, ids, "reference", takes=False)}
    partners = Partners(_by_group(told), partial=partial)
    kept = partners.common(
        {**{name: {each.id for each in own} for name, own in pieces.items()}, "reference": set(music)}
    )
    subjects = {key: replace(told[key], path=pictures.get(key), music=music.get(key)) for key in sorted(kept)}
    behind = tuple(_sounds(background or inside(folder, "background"), required=background is not None))
    found = Collection(folder, {}, {name: tuple(own) for name, own in pieces.items()}, behind, tuple(partners.notes))
    _require_music({name: [each for each in own if each.id in kept] for name, own in pieces.items()}, pictures)
    return found.of(subjects)


def _systems(folder: Path) -> dict[str, list[Path]]:
    if not folder.is_dir():
        raise EvaluationError(f"{folder} is no folder", "a folder of music", "Check the path.")
    own = _sounds(folder, required=False)
    reserved = {inside(folder, name) for name in RESERVED}
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and path not in reserved)
    found = {path.name: _sounds(path, required=False) for path in folders if not path.name.startswith(".")}
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
        if found.setdefault(path.stem, path) != path:
            raise _twice(where, path.stem, found[path.stem], path, takes=False)
    return found


def _twice(where: str, name: str, first: Path, second: Path, *, takes: bool) -> EvaluationError:
    return EvaluationError(
        f"{where} has two files for the id {name}: {first.name} and {second.name}",
        "one file an id",
        "Remove one of them, or name it as a further take: ID--TAKE."
        if takes
        else "Rename one of them, and its music.",
    )


def _pieces(files: Iterable[Path], ids: Ids, where: str, *, takes: bool = True) -> list[Piece]:
    """Files with the ids and takes that their names mean, sorted; without takes, a name is an id and nothing else."""
    found: dict[tuple[str, str], Path] = {}
    for path in files:
        key = ids.piece(path.stem) if takes else (ids.find(path.stem) or path.stem, "")
        if key in found:
            raise _twice(where, take_name(*key), found[key], path, takes=takes)
        found[key] = path
    return [Piece(Subject(key), take, path) for (key, take), path in sorted(found.items())]


def _known(told: Mapping[str, Subject], ids: Ids) -> dict[str, Subject]:
    """What is known of every id."""
    spelled = Ids(told)
    names = {each: spelled.find(each) for each in sorted(ids.exact)}
    return {each: Subject(each) if name is None else replace(told[name], id=each) for each, name in names.items()}


def _by_group(subjects: Mapping[str, Subject]) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    for key, subject in subjects.items():
        groups.setdefault(subject.group, set()).add(key)
    return groups


def _items(path: Path) -> dict[str, Subject]:
    if not path.is_file():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {key: _told(key, **row) for key, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise EvaluationError(
            f"{path} cannot be understood ({type(error).__name__}: {error})",
            '{"ID": {"caption": "words", "music_caption": "words", "group": "name"}}',
            "Mend the file, or remove it.",
        ) from error


def _told(
    key: str, *, caption: str | None = None, music_caption: str | None = None, group: str = "artworks"
) -> Subject:
    """What a row of items.json says."""
    return Subject(key, group=group, caption=caption, music_caption=music_caption)


def _require_music(systems: Mapping[str, Sequence[Piece]], pictures: Mapping[str, Path]) -> None:
    for name, pieces in systems.items():
        if not pieces:
            raise EvaluationError(
                f"no piece of {name} has all its partners ({len(pictures)} artworks)",
                "artworks and music whose file names agree up to the suffix",
                "Rename the files.",
            )
