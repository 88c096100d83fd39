"""Which id a name means: itself, or the only one that differs in case, in how accents are written, or by being cut short.

A file that has been on another system may come back as `CAFE\u0301.FLAC` for `café.png`: macOS writes accents as characters of
their own (NFD), others don't (NFC), and cameras and old disks write capitals.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import EvaluationError
from ..naming import TAKE, is_short_for, same_name

__all__ = ["Ids", "inside", "spelled_once"]


class Ids:
    """Ids, and how they are found.

    Args:
        ids: as they are spelled.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self.exact = set(ids)
        self.alike: dict[str, list[str]] = {}
        for each in sorted(self.exact):
            self.alike.setdefault(same_name(each), []).append(each)

    def find(self, name: str) -> str | None:
        """The id that a name means, if there is one.

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
        """Id and take of a piece: an id's own name, or what stands before and behind the last `--`."""
        if (own := self.find(stem)) is not None:
            return own, ""
        begin, _, take = stem.rpartition(TAKE)
        return (self.find(begin) or begin, take) if begin else (stem, "")


def spelled_once(systems: Iterable[Iterable[str]]) -> set[str]:
    """Ids that the stems of all systems' files name; one that is spelled in several ways counts once.

    Where a system has two files that differ only in their spelling, they are of two ids.
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
    """The file or folder of a name, in whatever case it is written; as named if there is none.

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
        f"the name {name} may mean {' or '.join(alike)}",
        "names that differ in more than case or the way accents are written",
        "Rename one of them.",
    )
