"""The candidates of one block of queries: whatever rounding allows to be among the nearest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int

from .blocks import SIDE

__all__ = ["Candidates", "first_of_each"]

STRIP = 16
"""Base rows whose largest score is compared first; divides the side of a tile."""

Exact = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From the query and base row of some pairs to their exact scores, rounded to float32."""


def first_of_each(
    rows: Int[np.ndarray, " pairs"], columns: Int[np.ndarray, " pairs"], scores: Float32[np.ndarray, " pairs"], k: int
) -> Int[np.ndarray, " kept"]:
    """Positions of each row's `k` pairs with the highest scores, by row, falling score and rising column."""
    order = np.lexsort((columns, -scores, rows))
    sorted_rows = rows[order]
    begins = np.flatnonzero(np.r_[True, sorted_rows[1:] != sorted_rows[:-1]])
    rank = np.arange(len(order)) - np.repeat(begins, np.diff(np.r_[begins, len(order)]))
    return order[rank < k]


def _low_kth(tile: Float32[np.ndarray, "base count"], k: int) -> Float32[np.ndarray, " count"]:
    """A score that at least `k` of a tile's base rows reach, for each query: the k-th largest of maxima over parts of the tile."""
    size = SIDE
    while len(tile) // size < 2 * k:
        size //= 2
    highest = np.ascontiguousarray(tile.reshape(-1, size, tile.shape[1]).max(1).T)
    return np.partition(highest, highest.shape[1] - k, axis=1)[:, highest.shape[1] - k]


def _kth_of_each(
    rows: Int[np.ndarray, " pairs"], scores: Float32[np.ndarray, " pairs"], k: int, count: int
) -> tuple[Int[np.ndarray, " full"], Float32[np.ndarray, " full"]]:
    """The rows with at least `k` pairs, and the k-th highest score of each.

    Row and score are sorted as one integer, which is faster than sorting by two keys: the bits of a float32, with those below the
    sign flipped in negative numbers, rise with its value.
    """
    bits = scores.view(np.int32).astype(np.int64)
    keys = rows.astype(np.int64) << 32
    keys += np.where(bits < 0, bits ^ 0x7FFFFFFF, bits) + 2**31
    keys.sort()
    counts = np.bincount(rows, minlength=count)
    full = np.flatnonzero(counts >= k)
    low = (keys[np.cumsum(counts)[full] - k] & 0xFFFFFFFF) - 2**31
    return full, np.where(low < 0, low ^ 0x7FFFFFFF, low).astype(np.int32).view(np.float32)


class Candidates:
    """Collects pairs whose single-precision score is less than twice the rounding error below the k-th best of their query.

    A pair that is left out has k pairs with certainly higher scores, so the exact scores of what remains decide. Thresholds
    are raised when as many tiles have passed again as before, so sorting costs little.

    Args:
        count: queries in the block.
        k: neighbours of each.
        margin: twice the rounding error of each query's scores.
        waiting: pairs that may wait for their exact scores.
        exact: computes exact scores.
    """

    def __init__(self, count: int, k: int, margin: Float64[np.ndarray, " count"], waiting: int, exact: Exact) -> None:
        self._count, self._k, self._margin, self._waiting, self._exact = count, k, margin, waiting, exact
        self._least = np.full(count, -np.inf, np.float32)
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._held, self._tiles, self._next = 0, 0, 1

    def add(self, tile: Float32[np.ndarray, "base count"], start: int) -> None:
        """Collect from the scores of base rows `start`, `start` + 1, ... (their number is a multiple of 64)."""
        if not self._tiles and len(tile) >= 2 * self._k:
            self._raise(np.arange(self._count), _low_kth(tile, self._k))
        strips = tile.reshape(-1, STRIP, tile.shape[1])
        high = strips.max(1)
        strip, row = np.nonzero((high >= self._least) & (high > -np.inf))
        scores = strips[strip, :, row]
        which, inside = np.nonzero((scores >= self._least[row][:, None]) & (scores > -np.inf))
        columns = start + strip[which] * STRIP + inside
        self._parts.append((row[which].astype(np.int32), columns.astype(np.int32), scores[which, inside]))
        self._held += len(which)
        self._tiles += 1
        if self._tiles == self._next or self._held > self._waiting:
            self._next = 2 * self._tiles
            self._sift()

    def finish(self) -> tuple[Int[np.ndarray, "count k"], Float32[np.ndarray, "count k"]]:
        """The base rows and exact scores of the nearest, by falling score and rising row."""
        self._sift()
        self._settle()
        _, columns, scores = self._joined()
        return columns.reshape(-1, self._k).astype(np.int64), scores.reshape(-1, self._k)

    def _raise(self, rows: Int[np.ndarray, " some"], kth: Float32[np.ndarray, " some"]) -> None:
        least = np.nextafter((kth - self._margin[rows]).astype(np.float32), np.float32(-np.inf))
        self._least[rows] = np.maximum(self._least[rows], least)

    def _joined(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows, columns, scores = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        return rows, columns, scores

    def _keep(
        self, parts: tuple[np.ndarray, np.ndarray, np.ndarray], kept: Int[np.ndarray, " _"] | Bool[np.ndarray, " _"]
    ) -> None:
        rows, columns, scores = parts
        self._parts = [(rows[kept], columns[kept], scores[kept])]
        self._held = len(self._parts[0][0])

    def _sift(self) -> None:
        """Raise the thresholds and drop what is below; where many equal pairs remain, let exact scores decide now."""
        parts = rows, _, scores = self._joined()
        full, kth = _kth_of_each(rows, scores, self._k, self._count)
        self._raise(full, kth)
        self._keep(parts, scores >= self._least[rows])
        if self._held > self._waiting:
            self._settle()

    def _settle(self) -> None:
        rows, columns, _ = self._joined()
        scores = self._exact(rows, columns)
        self._keep((rows, columns, scores), first_of_each(rows, columns, scores, self._k))
