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

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import ArtworkError, EvaluationError
from ..images.listing import list_artworks
from ..naming import take_name
from ..pipelines.settings import MOST_SEED
from .pairing import Ids, inside, spelled_once
from .partners import Partners

__all__ = ["RESERVED", "SOUNDS", "Collection", "Piece", "Subject", "read_collection"]

SOUNDS = (".aif", ".aiff", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav")
RESERVED = ("artworks", "reference", "background")
"""Folders that are no system."""


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
