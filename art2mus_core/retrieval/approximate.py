"""Approximate nearest neighbours with faiss, for sets so large that exact search takes hours; the recall is measured each time."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int

from ..errors import SettingError
from ..types import OnStep, Step
from .blocks import Rows, check_offsets, check_sets, pair_scores, single
from .search import Neighbours, nearest

__all__ = ["RECALL", "nearest_approximately"]

RECALL = 0.97
"""Least share of sampled queries whose nearest row is found."""

DIRECTIONS = 64
"""Leading principal directions of the base that are coded, with 4 bits each."""

SHARES = (0.15, 0.3, 1.0)
"""Shares of the base whose codes are scanned, tried in turn."""

REACH = 4.0
"""Standard deviations above a base row's mean score that its nearest queries are thought to reach."""

SAMPLE = 1000
"""Queries on which the recall is measured."""

SEEN = 100_000
"""Most rows from which means, covariances and codes are learnt."""

KEPT = 50
"""Rows whose exact scores are computed for each query, or five times the neighbours if that is more."""

BLOCK = 4096
"""Queries at a time."""


def nearest_approximately(
    queries: Rows,
    base: Rows,
    k: int,
    *,
    offsets: Float[np.ndarray, " m"] | None = None,
    on_step: OnStep | None = None,
) -> tuple[Neighbours, float]:
    """Return neighbours as :func:`.search.nearest`, most of them right, and the share of a sample whose nearest row is right.

    The base's 64 leading principal directions are held as codes of 4 bits (Andre, Kermarrec and Le Scouarnec 2015, "Cache locality is
    not enough"). Only the rows that queries can reach best are scanned, by mean and spread of their scores with the queries; the best ones
    get exact scores. With hubs a small share of the base is enough. If no share reaches a recall of `RECALL` on 1,000 queries, the
    search is exact and the recall 1.

    Args:
        queries: [n, width].
        base: [m, width], with at least 64 columns.
        k: number of neighbours.
        offsets: added to the scores of each base row; not in the codes, only in the exact scores.
        on_step: called after each block of queries (stage `search`).

    Raises:
        SettingError: vectors too narrow, or as :func:`.search.nearest`.
        ModuleNotFoundError: faiss is not installed.
    """
    check_sets(queries, base)
    if base.shape[1] < DIRECTIONS:
        raise SettingError(f"vectors of {base.shape[1]} numbers", f"at least {DIRECTIONS}", "Search exactly.")
    added = check_offsets(offsets, len(base))
    drawn = np.random.default_rng(0).permutation(len(queries))[:SAMPLE]
    wanted = nearest(queries[drawn], base, 1, offsets=added).ids[:, 0]
    codes = _Codes(queries, base)
    for share in SHARES:
        codes.fill(share)
        recall = float(np.mean(codes.search(queries[drawn], 1, added).ids[:, 0] == wanted))
        if recall >= RECALL and codes.size >= max(KEPT, 5 * k):
            return codes.search(queries, k, added, on_step), recall
    return nearest(queries, base, k, offsets=added, on_step=on_step), 1.0


class _Codes:
    """Codes of the base rows that are scanned."""

    def __init__(self, queries: Rows, base: Rows) -> None:
        import faiss  # noqa: PLC0415  of the extra ann

        self._base = base
        some = single(base[:SEEN])
        axes = np.linalg.eigh(np.cov(some.T))[1][:, : -DIRECTIONS - 1 : -1]
        self._axes: Float32[np.ndarray, "width dim"] = np.ascontiguousarray(axes, np.float32)
        self._rows = single(base) @ self._axes
        self._rows -= self._rows.mean(0)  # changes no query's order
        seen = single(queries[:SEEN]) @ self._axes
        spread = (self._rows @ np.cov(seen.T).astype(np.float32) * self._rows).sum(1)
        reach = self._rows @ seen.mean(0) + REACH * np.sqrt(np.maximum(spread, 0))
        self._order: Int[np.ndarray, " m"] = np.argsort(-reach, kind="stable")
        self._index: Any = faiss.IndexPQFastScan(DIRECTIONS, DIRECTIONS, 4, faiss.METRIC_INNER_PRODUCT)
        self._index.train(self._rows[:SEEN])

    @property
    def size(self) -> int:
        """Rows that are scanned."""
        return int(self._index.ntotal)

    def fill(self, share: float) -> None:
        """Scan more rows: those that queries can reach best, up to a share of the base."""
        more = self._order[self.size : round(share * len(self._order))]
        self._index.add(self._rows[more])

    def search(self, queries: Rows, k: int, offsets: np.ndarray | None, on_step: OnStep | None = None) -> Neighbours:
        """The best of those that the codes find, by exact scores; ties go to the first row."""
        kept = min(max(KEPT, 5 * k), self.size)
        ids, scores = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32)
        for start in range(0, len(queries), BLOCK):
            part = slice(start, min(start + BLOCK, len(queries)))
            block = single(queries[part])
            near = self._order[self._index.search(block @ self._axes, kept)[1]]
            pairs = np.repeat(np.arange(len(block)), kept), near.ravel()
            exact = pair_scores(block, self._base, *pairs)
            exact = (exact if offsets is None else exact + offsets[pairs[1]]).astype(np.float32).reshape(near.shape)
            best = np.lexsort((near, -exact))[:, :k]
            ids[part], scores[part] = (np.take_along_axis(each, best, 1) for each in (near, exact))
            if on_step:
                on_step(Step("search", part.stop, len(queries)))
        return Neighbours(ids, scores)
