"""Matches file names with ids, and systems' music with artworks.

A name also matches its id if it differs only in case or in how accents are written, or if it was shortened. A file copied from
another system may be called `CAFE\u0301.FLAC` for `café.png`: macOS writes accents as separate characters (NFD),
other systems do not (NFC), and cameras and old disks write capitals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..errors import EvaluationError
from ..naming import TAKE, is_short_for, same_name

__all__ = ["Ids", "inside", "lacking", "shared_ids", "shortened", "spelled_once"]


class Ids:
    """Ids that names are matched with.

    Args:
        ids: as they are spelled.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self.exact = set(ids)
        self.alike: dict[str, list[str]] = {}
        for each in sorted(self.exact):
            self.alike.setdefault(same_name(each), []).append(each)

    def find(self, name: str) -> str | None:
        """The id that matches a name, or None.

        Raises:
            EvaluationError: two ids differ from the name, and from each other, only in case or accents.
        """
        if name in self.exact:
            return name
        alike = self.alike.get(same_name(name), [])
        if len(alike) > 1:
            raise _ambiguous(name, alike)
        return alike[0] if alike else next((each for each in self.exact if is_short_for(name, each)), None)

    def piece(self, stem: str) -> tuple[str, str]:
        """Id and take of a piece: the stem if it is an id, or else the parts before and after the last `--`."""
        if (own := self.find(stem)) is not None:
            return own, ""
        begin, _, take = stem.rpartition(TAKE)
        return (self.find(begin) or begin, take) if begin else (stem, "")


def spelled_once(systems: Iterable[Iterable[str]]) -> set[str]:
    """The ids in the file stems of all systems; an id with several spellings counts once.

    If one system has two files that differ only in their spelling, they count as two ids.
    """
    none, found, apart = Ids(()), dict[str, set[str]](), set[str]()
    for stems in systems:
        own = set[tuple[str, str]]()
        for name, take in map(none.piece, stems):
            key = same_name(name)
            apart |= {key} if (key, take) in own else set()
            own.add((key, take))
            found.setdefault(key, set()).add(name)
    return {name for key, names in found.items() for name in (names if key in apart else {min(names)})}


def inside(folder: Path, name: str) -> Path:
    """The file or folder with a name, written in any case; with the name as given if there is none.

    Raises:
        EvaluationError: two that differ only in case.
    """
    exact = folder / name
    if exact.exists() or not folder.is_dir():
        return exact
    alike = sorted(path.name for path in folder.iterdir() if same_name(path.name) == same_name(name))
    if len(alike) > 1:
        raise _ambiguous(name, alike)
    return folder / alike[0] if alike else exact


def _ambiguous(name: str, alike: Iterable[str]) -> EvaluationError:
    return EvaluationError(
        f"the name {name} matches {' and '.join(alike)}",
        "names that differ in more than case or the way accents are written",
        "Rename one of them.",
    )


def lacking(groups: Mapping[str, set[str]], music: Mapping[str, set[str]]) -> Iterator[tuple[str, str, set[str]]]:
    """System, group, and the ids without music, for each system that has music for a part of a group only.

    A system may have nothing for a whole group, as a reconstruction has where there is no real music.

    Args:
        groups: ids by group.
        music: ids with music by system.
    """
    for system, have in music.items():
        for group, ids in groups.items():
            if have & ids and ids - have:
                yield system, group, ids - have


def shared_ids(
    groups: Mapping[str, set[str]], music: Mapping[str, set[str]], *, partial: bool
) -> tuple[set[str], list[str]]:
    """Ids for which every system that has music for their group has some, and notes on the others.

    Args:
        groups: ids by group.
        music: ids with music by system (or `reference`).
        partial: leave out what has no partner and note it, instead of raising.

    Raises:
        EvaluationError: without `partial`, artworks or music without a partner.
    """
    every = set().union(*groups.values())
    alone = [(have - every, f"{system} has music without an artwork") for system, have in music.items()]
    alone += [(ids, f"{system} has no music for") for system, _, ids in lacking(groups, music)]
    notes = [f"{text}: {shortened(sorted(ids), 5)} ({len(ids)} in all)" for ids, text in alone if ids]
    if notes and not partial:
        raise EvaluationError(
            notes[0],
            "artworks and music whose file names agree up to the suffix (further takes as ID--TAKE)",
            "Rename or add the files, or score what has partners with --partial.",
        )
    return every.difference(*(ids for ids, _ in alone)), [f"Left out: {note}." for note in notes]


def shortened(names: Iterable[str], most: int = 3) -> str:
    """The first names of a list, with `...` in place of the rest."""
    every = list(names)
    return ", ".join(every[:most]) + (" ..." if len(every) > most else "")
