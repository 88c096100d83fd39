"""Exact nearest neighbours by inner product between two large sets of embeddings."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Float64, Int

from ..errors import SettingError
from ..types import OnStep, Step
from .blocks import MEMORY, Rows, check_offsets, check_sets, lengths, pair_scores, rounding, single, tile_sizes
from .candidates import Candidates

__all__ = ["Neighbours", "nearest"]


class Neighbours(NamedTuple):
    """The nearest base rows of each query, by falling score and, among equal scores, rising row."""

    ids: Int[np.ndarray, "n k"]
    scores: Float32[np.ndarray, "n k"]


def nearest(
    queries: Rows,
    base: Rows,
    k: int,
    *,
    offsets: Float[np.ndarray, " m"] | None = None,
    memory: int = MEMORY,
    on_step: OnStep | None = None,
) -> Neighbours:
    """Return the `k` base rows with the highest score for each query, exactly.

    The score of query x and base row y is x.y + offset of y, computed in float64 and rounded to float32. Single-precision products of
    tiles decide which pairs can be among the nearest (their rounding error is bounded, see :func:`.blocks.rounding`); the exact scores of
    these decide the rest. So the result does not depend on tiles, threads or types: embeddings in float16 give what the same
    values in float32 give.

    Args:
        queries: [n, width] in float16 or float32; memory maps are read block by block.
        base: [m, width].
        k: number of neighbours, 1 to m.
        offsets: added to the scores of each base row, such as corrections for hubs or negative prices.
        memory: bytes for tiles and candidates, without the embeddings and the result.
        on_step: called after each block of queries (stage `search`).

    Raises:
        SettingError: empty sets, other types, different widths, values that are not finite, `k` out of range, or too little memory.
    """
    check_sets(queries, base)
    if not 1 <= k <= len(base):
        raise SettingError(
            f"{k} neighbours in a base of {len(base)} rows", f"1 to {len(base)}", "Choose another number."
        )
    added = check_offsets(offsets, len(base))
    width = queries.shape[1]
    largest = 0.0 if added is None else float(np.abs(added).max())
    longest = float(lengths(base, "base").max())
    margin = 2 * rounding(width, lengths(queries, "queries"), longest, largest)
    sizes = tile_sizes(memory, width, k)
    ids, scores = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32)
    tiles = _Tiles(base, added, sizes.base, min(sizes.queries, len(queries)))
    total = -(-len(queries) // sizes.queries)
    for number in range(total):
        part = slice(number * sizes.queries, min((number + 1) * sizes.queries, len(queries)))
        block = single(queries[part])
        exact = partial(_exact, queries[part], base, added)
        found = Candidates(len(block), k, margin[part], sizes.waiting, exact)
        for start in range(0, len(base), sizes.base):
            found.add(tiles.scores(block, start), start)
        ids[part], scores[part] = found.finish()
        if on_step:
            on_step(Step("search", number + 1, total))
    return Neighbours(ids, scores)


class _Tiles:
    """Scores of a block of queries and a stretch of the base, in arrays that are used again and again.

    Base rows have one more column for the offset, and the queries a 1 there.
    """

    def __init__(self, base: Rows, offsets: Float64[np.ndarray, " m"] | None, rows: int, queries: int) -> None:
        self._base, self._offsets, self._rows = base, offsets, rows
        width = base.shape[1]
        self._left = np.zeros((rows, width + (offsets is not None)), np.float32)
        self._right = np.ones((queries, self._left.shape[1]), np.float32)
        self._scores = np.empty(rows * queries, np.float32)

    def scores(self, block: Float32[np.ndarray, "count width"], start: int) -> Float32[np.ndarray, "rows count"]:
        """The scores of base rows from `start`; rows after the end of the base have minus infinity."""
        width = block.shape[1]
        part = slice(start, start + self._rows)
        some = single(self._base[part])
        left, right = some, block
        if self._offsets is not None:
            self._left[: len(some), :width], self._left[: len(some), width] = some, self._offsets[part]
            self._right[: len(block), :width] = block
            left, right = self._left[: len(some)], self._right[: len(block)]
        scores = self._scores[: self._rows * len(block)].reshape(self._rows, -1)
        np.matmul(left, right.T, out=scores[: len(some)])
        scores[len(some) :] = -np.inf
        return scores


def _exact(
    queries: Rows,
    base: Rows,
    offsets: Float64[np.ndarray, " m"] | None,
    rows: Int[np.ndarray, " _"],
    columns: Int[np.ndarray, " _"],
) -> Float32[np.ndarray, " _"]:
    scores = pair_scores(queries, base, rows, columns)
    if offsets is not None:
        scores += offsets[columns]
    return scores.astype(np.float32)
