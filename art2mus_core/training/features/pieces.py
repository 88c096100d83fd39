"""Stored features of many rows, of which only those that are asked for are read from the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from .shard_files import Stored

__all__ = ["Pieces"]

Rows = Int[np.ndarray, " rows"]
Shares = Float[np.ndarray, " rows"]


@dataclass(frozen=True)
class Pieces:
    """A feature of rows that may differ in length, in the shards of a store.

    Attributes:
        arrays: those of the shards, [sum of lengths, ...]; a slice of one is read from the disk.
        places: of each row: its shard, where it begins there, and its length; 0 if its file failed.
        windows: equally long excerpts of which a row consists, one after the other; a crop lies in one of them.
        begins: where each excerpt begins in its piece of music, in frames, [windows]; None at 0.
    """

    arrays: Sequence[np.ndarray | Stored]
    places: Int[np.ndarray, "rows 3"]
    windows: int = 1
    begins: Pieces | None = None

    @classmethod
    def of(cls, values: np.ndarray, lengths: Rows) -> Pieces:
        """Rows that lie one after the other in one array."""
        return cls([values], np.stack([np.zeros_like(lengths), lengths.cumsum() - lengths, lengths], axis=1))

    def rows(self, rows: Rows) -> Pieces:
        """The pieces of some rows, in another order or several times."""
        return replace(self, places=self.places[rows], begins=self.begins and self.begins.rows(rows))

    @property
    def lengths(self) -> Rows:
        """The length of each row."""
        return self.places[:, 2]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows, and the sizes of an element of one."""
        return (len(self.places), *self.arrays[-1].shape[1:])

    def __getitem__(self, row: int | np.integer) -> np.ndarray:
        """All of one row, [length, ...]."""
        shard, start, length = self.places[row]
        return self.arrays[shard][start : start + length]

    def firsts_of(self, rows: Rows) -> np.ndarray:
        """The first element of each row in memory, [rows, ...]; zeros for rows whose files failed."""
        found = np.zeros((len(rows), *self.shape[1:]), self.arrays[-1].dtype)
        kept = self.lengths[rows] > 0
        found[kept] = self.take(rows[kept])
        return found

    def take(self, rows: Rows, elements: Rows | None = None) -> np.ndarray:
        """One element of each row, the first by default, as an array [rows, ...]."""
        at = np.zeros(len(rows), int) if elements is None else elements
        found = np.empty((len(rows), *self.shape[1:]), self.arrays[-1].dtype)
        for place, (row, element) in enumerate(zip(rows, at, strict=True)):
            shard, start, _ = self.places[row]
            [found[place]] = self.arrays[shard][start + element : start + element + 1]
        return found

    def crops(self, rows: Rows, length: int, shares: Shares | None = None) -> np.ndarray:
        """Crops as float32 [rows, length, ...]; each starts at a share of the possible starts, or at 0."""
        starts = self.starts(rows, length, shares)
        parts = [self[row][start : start + length] for row, start in zip(rows, starts, strict=True)]
        return np.stack(parts).astype(np.float32)

    def starts(self, rows: Rows, length: int, shares: Shares | None = None) -> Rows:
        """Where the crops of :meth:`crops` start in their rows."""
        if shares is None:
            return np.zeros(len(rows), int)
        size = self.lengths[rows] // self.windows
        window = (shares * self.windows).astype(int)
        return window * size + ((shares * self.windows - window) * (size - length + 1)).astype(int)

    def firsts(self, rows: Rows, length: int, shares: Shares | None = None) -> Float[np.ndarray, " rows"]:
        """Where the crops of :meth:`crops` start in their pieces of music, in frames."""
        starts = self.starts(rows, length, shares)
        if self.begins is None:
            return starts.astype(np.float64)
        size = self.lengths[rows] // self.windows
        return self.begins.take(rows, starts // size) + starts % size

    def shortest(self, rows: Rows) -> int:
        """The length of the shortest excerpt of these rows."""
        return int(self.lengths[rows].min()) // self.windows
