"""Long work on many rows, kept in shards, so that a run that was killed at any moment resumes and ends with the same bytes.

A shard is the results for some rows: one file, and beside it a note with its statistics, which is also its mark of completion. The note
tells what the shard was made from; a shard that was made from something else is made again, as far as possible from results that are
known (`known.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from ..digests import file_digest
from ..errors import Art2MusError
from ..placing import make_folder, place, refusals, replacing, tidy
from ..types import OnStep, Step
from .batching import batches
from .faults import OnFault, kind_of
from .known import Known, is_whole, read_note
from .tables import ROOM

__all__ = ["SIZE", "Shards", "Spread"]

SIZE = 256
"""Rows of a shard, if its stage does not choose another number."""


@runtime_checkable
class Faulty(Protocol):
    """A result that tells why there is none: a kind and a sentence with a colon between them; None if all is well."""

    @property
    def fault(self) -> str | None: ...


Row = TypeVar("Row")
Result = TypeVar("Result", bound=Faulty)
Spread = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""An engine: the results of a function for each item, in the items' order."""


def _digest(value: Any) -> str:  # noqa: ANN401  what JSON can hold
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@dataclass
class _Open:
    """A shard in the making."""

    index: int
    made_from: str
    rows: Sequence[Any]
    results: list[Any]
    left: int


@dataclass
class _Run:
    """A run: the shards in the making and the places of the jobs under way, the oldest first."""

    known: Known[Any]
    progress: Callable[[int], None]
    on_fault: OnFault | None
    opened: deque[_Open] = field(default_factory=deque)
    jobs: deque[list[int]] = field(default_factory=deque)


@dataclass
class Shards(Generic[Row, Result]):
    """The shards of a stage.

    Attributes:
        folder: of the shards and nothing else.
        suffix: of a shard's file.
        write: writes results to a path; gives the same bytes for the same results.
        read: reads them back.
        identify: what of a row decides its result, as values that JSON can hold.
        made_with: what else decides the results, such as the digest of a network's weights.
        reuse: finds the result for a row among those that are known; None works on every row of a shard that is made again.
        size: rows of a shard; by default `SIZE`.
    """

    folder: Path
    suffix: str
    write: Callable[[Path, Sequence[Result]], object]
    read: Callable[[Path], Sequence[Result]]
    identify: Callable[[Row], Any]
    made_with: dict[str, Any] = field(default_factory=dict)
    reuse: Callable[[Row, Known[Result]], Result | None] | None = None
    size: int | None = None

    def run(
        self,
        rows: Iterable[Row],
        count: int,
        work: Callable[[Sequence[Row]], Sequence[Result]],
        spread: Spread,
        *,
        stage: str,
        batch: int = 1,
        retry: bool = False,
        on_step: OnStep | None = None,
        on_fault: OnFault | None = None,
    ) -> None:
        """Make the shards that are missing, and remove those beyond the last row.

        Args:
            rows: the rows.
            count: their number.
            work: the results of a few rows; called in other processes.
            spread: the engine.
            stage: its name, for `on_step`.
            batch: rows that `work` gets at once.
            retry: try rows with a fault again, one by one.
            on_step: called with the number of finished rows, those of earlier runs included.
            on_fault: called with each row that has a fault, those of earlier runs included.

        Raises:
            OutputError: a shard cannot be written, as on a full disk; those before it are kept.
        """
        known = Known[Result](self.folder, self.suffix, self.read, _digest(self.made_with))
        self._tidy(self.count(count), known)
        done = 0

        def progress(more: int) -> None:
            nonlocal done
            done += more
            if on_step and more:
                on_step(Step(stage, done, count))

        now = _Run(known, progress, on_fault)
        try:
            for results in spread(work, self._waiting(rows, now, batch, retry=retry)):
                self._take(results, now)
        except BaseException:
            self._save(now)
            raise
        known.forget()

    def _waiting(self, rows: Iterable[Row], now: _Run, batch: int, *, retry: bool) -> Iterator[list[Row]]:
        """The rows that have to be worked on, a few at a time; shards without any are finished on the way."""
        for index, own in enumerate(batches(rows, self.size or SIZE)):
            shard, places = self._open(index, own, now.known, retry=retry)
            now.progress(len(own) - len(places))
            if shard and places:
                now.opened.append(shard)
            elif shard:
                self._finish(shard, now)
            else:
                self._tell(index, own, now)
            for part in batches(places, 1 if retry else batch):
                now.jobs.append(part)
                yield [own[place] for place in part]

    def _take(self, results: Sequence[Result], now: _Run) -> None:
        """Put the results of the oldest job into their shard."""
        places, shard = now.jobs.popleft(), now.opened[0]
        for number, result in zip(places, results, strict=True):
            shard.results[number] = result
        shard.left -= len(places)
        now.progress(len(places))
        if not shard.left:
            self._finish(now.opened.popleft(), now)

    def _open(
        self, index: int, rows: Sequence[Row], known: Known[Result], *, retry: bool
    ) -> tuple[_Open | None, list[int]]:
        """A shard, and the places of its rows that have to be worked on; no shard if it is complete."""
        made_from, note = _digest([self.made_with, [self.identify(row) for row in rows]]), self.note(index)
        if note.get("made_from") == made_from and self._is_whole(index, note):
            places = [int(place) for place in note["failed"]] if retry else []
            results = list[Any](self.read(self.path(index))) if places else []
            return (_Open(index, made_from, rows, results, len(places)) if places else None), places
        results = [self.reuse(row, known) if self.reuse else None for row in rows]
        places = [number for number, result in enumerate(results) if result is None]
        return _Open(index, made_from, rows, results, len(places)), places

    def _is_whole(self, index: int, note: dict[str, Any]) -> bool:
        """Whether a shard is the file that its note is about."""
        return is_whole(self.path(index), note) and isinstance(note.get("failed"), dict)

    def _tell(self, index: int, rows: Sequence[Row], now: _Run) -> None:
        if now.on_fault:
            for number, fault in self.note(index)["failed"].items():
                now.on_fault(rows[int(number)], fault)

    def _tidy(self, total: int, known: Known[Result]) -> None:
        make_folder(self.folder)
        tidy(self.folder)
        for path in self.folder.glob(f"*{self.suffix}"):
            if path.stem.isdigit() and int(path.stem) >= total:
                self._remove(path, known)

    def _remove(self, path: Path, known: Known[Result]) -> None:
        if self.reuse:
            known.keep(path)
        path.with_suffix(".json").unlink(missing_ok=True)
        path.unlink(missing_ok=True)

    def _finish(self, shard: _Open, now: _Run) -> None:
        path = self.path(shard.index)
        self._remove(path, now.known)
        with refusals(path, ROOM), replacing(path) as partial:
            self.write(partial, shard.results)
        failed = {number: result.fault for number, result in enumerate(shard.results) if result.fault}
        told = {
            "made_from": shard.made_from,
            "made_with": _digest(self.made_with),
            "sha256": file_digest(path),
            "rows": len(shard.results),
            "failed": failed,
        }
        place(path.with_suffix(".json"), (json.dumps(told, indent=1) + "\n").encode())
        self._tell(shard.index, shard.rows, now)

    def _save(self, now: _Run) -> None:
        """Keep what was found in an interrupted run, if it can be used again; it may have been paid for."""
        for shard in now.opened if self.reuse else ():
            if results := [result for result in shard.results if result is not None]:
                with suppress(OSError, Art2MusError):  # the error that stopped the run is the one to tell
                    now.known.save(self.write, shard.made_from, results)

    def count(self, rows: int) -> int:
        """The number of shards of so many rows."""
        return -(-rows // (self.size or SIZE))

    def is_whole(self, index: int) -> bool:
        """Whether a shard is complete, and its file the one that its note is about."""
        return self._is_whole(index, self.note(index))

    def path(self, index: int) -> Path:
        """The file of a shard."""
        return self.folder / f"{index:06d}{self.suffix}"

    def note(self, index: int) -> dict[str, Any]:
        """The note of a shard; empty if the shard is not complete."""
        return read_note(self.path(index))

    def results(self, count: int) -> Iterator[Result]:
        """The results for `count` rows, in order."""
        for index in range(self.count(count)):
            yield from self.read(self.path(index))

    def faults(self, count: int) -> Counter[str]:
        """How many rows have each kind of fault."""
        notes = (self.note(index).get("failed", {}) for index in range(self.count(count)))
        return Counter(kind_of(fault) for failed in notes for fault in failed.values())
