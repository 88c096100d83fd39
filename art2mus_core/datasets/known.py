"""Results of earlier runs, found again by the content of the file that they are about, wherever its row is now.

If a file is added in the middle of a table, the rows behind it move to other places and shards. Their shards are made again then, but from
what is known. Shards that are replaced lie in a folder of their own until the run ends, so a run that was killed loses nothing of them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..digests import file_digest
from ..errors import Art2MusError
from ..placing import make_folder, replacing
from .tables import ArtworkRow, MusicRow

__all__ = ["Known", "is_whole", "of_same_file", "read_note"]

KEPT = "known"
HELD = 8
"""Shards that are held in memory while results are looked up."""

DIGITS = 16

Result = TypeVar("Result")


def read_note(shard: Path) -> dict[str, Any]:
    """The note beside a shard; empty if the shard is not complete."""
    try:
        found = json.loads(shard.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def is_whole(shard: Path, note: dict[str, Any]) -> bool:
    """Whether a shard is the file that its note is about."""
    return shard.is_file() and note.get("sha256") == file_digest(shard)


def of_same_file(row: ArtworkRow | MusicRow, known: Known[Result]) -> Result | None:
    """The known result for the content of a row's file, with the row's id; None if there is none, or it is a fault."""
    found: Any = known.find(row.file_sha256 or "")
    return None if found is None else replace(found, id=row.id)


class Known(Generic[Result]):
    """Results with `id`, `content` and `fault`, in the complete shards of a folder and in those that were replaced.

    Args:
        shards: folder of the shards.
        suffix: of a shard's file.
        read: reads the results of a shard.
        made_with: digest of what decides results beside the content; others are not looked at.
    """

    def __init__(self, shards: Path, suffix: str, read: Callable[[Path], Sequence[Result]], made_with: str) -> None:
        self._shards, self._suffix, self._made_with = shards, suffix, made_with
        self._folder = shards / KEPT
        self._files = list[Path]()
        self._places: dict[str, tuple[int, int]] | None = None
        self._read = read
        self._results = lru_cache(HELD)(lambda number: read(self._files[number]))

    def find(self, content: str) -> Result | None:
        """The result without a fault for a content, if there is one."""
        if self._places is None:
            self._places = self._index()
        place = self._places.get(content)
        return None if place is None else self._results(place[0])[place[1]]

    def keep(self, shard: Path) -> None:
        """Put a complete shard aside that will be replaced."""
        note = read_note(shard)
        if note.get("made_with") == self._made_with and is_whole(shard, note):
            kept = self._kept(note["made_from"])
            make_folder(self._folder)
            shard.replace(kept)
            self._files = [kept if each == shard else each for each in self._files]

    def save(
        self, write: Callable[[Path, Sequence[Result]], object], made_from: str, results: Sequence[Result]
    ) -> None:
        """Keep results of a shard that was not finished."""
        with replacing(self._kept(f"{made_from[:DIGITS]}-part")) as partial:
            write(partial, results)

    def forget(self) -> None:
        """Remove what was kept, at the end of a run."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _kept(self, name: str) -> Path:
        return self._folder / f"{self._made_with[:DIGITS]}-{name[: DIGITS + 5]}{self._suffix}"

    def _index(self) -> dict[str, tuple[int, int]]:
        complete = (path for path in sorted(self._shards.glob(f"*{self._suffix}")))
        notes = ((path, read_note(path)) for path in complete)
        ours = ((path, note) for path, note in notes if note.get("made_with") == self._made_with)
        self._files = [path for path, note in ours if is_whole(path, note)]
        self._files += sorted(self._folder.glob(f"{self._made_with[:DIGITS]}-*{self._suffix}"))
        found = dict[str, tuple[int, int]]()
        for number, path in enumerate(self._files):
            try:
                results: Sequence[Any] = self._read(path)
            except Art2MusError:  # damaged: made again
                continue
            for place, result in enumerate(results):
                if result.content and result.fault is None:
                    found.setdefault(result.content, (number, place))
        return found
