"""Hubs, rows of a base that are near to very many queries, and two corrections as offsets for :func:`.search.nearest`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float32, Float64, Int

from ..errors import SettingError
from .blocks import MEMORY, Rows, check_sets, lengths, single, tile_sizes
from .search import Neighbours, nearest

__all__ = ["csls", "csls_offsets", "occurrences", "skewness", "softmax_offsets"]

NEIGHBOURS = 10
"""Neighbours in CSLS; Conneau et al. use 10 and found no difference between 5 and 50."""


def occurrences(ids: Int[np.ndarray, "n k"], count: int) -> Int[np.ndarray, " count"]:
    """How many queries have each of `count` base rows among their k nearest (Radovanovic, Nanopoulos and Ivanovic 2010)."""
    return np.bincount(ids.ravel(), minlength=count)


def skewness(counts: Int[np.ndarray, " m"]) -> float:
    """The third standardised moment of occurrences: 0 without hubs, NaN if all are equal.

    Above about 1.4 a space has strong hubs (Radovanovic et al. 2010; Feldbauer et al. 2018).
    """
    apart = counts - counts.mean()
    spread = float(np.sqrt(np.mean(apart**2)))
    return float(np.mean(apart**3)) / spread**3 if spread else float("nan")


def csls_offsets(
    queries: Rows,
    base: Rows,
    *,
    neighbours: int = NEIGHBOURS,
    search: Callable[[Rows, Rows, int], Neighbours] = nearest,
) -> Float64[np.ndarray, " m"]:
    """Offsets with which :func:`nearest` ranks by CSLS, cross-domain similarity local scaling (Conneau et al. 2018, eq. 3).

        CSLS(x, y) = 2 cos(x, y) - r(x) - r(y)

    r(y) is the mean cosine of y with its nearest queries, and r(x) that of x with its nearest base rows. For a query r(x) is constant, so
    the order is that of cos - r(y) / 2. The vectors are expected to have length 1.

    Args:
        queries: [n, width].
        base: [m, width].
        neighbours: number of nearest ones in r, at most n.
        search: finds the nearest ones, exactly or not.

    Raises:
        SettingError: as :func:`nearest`.
    """
    near = search(base, queries, neighbours)
    return -near.scores.mean(1, dtype=np.float64) / 2


def csls(queries: Rows, base: Rows, k: int, *, neighbours: int = NEIGHBOURS, memory: int = MEMORY) -> Neighbours:
    """The `k` base rows with the highest CSLS for each query, and these values; three exact searches.

    Raises:
        SettingError: as :func:`nearest`; `neighbours` may not exceed n or m.
    """
    offsets = csls_offsets(queries, base, neighbours=neighbours, search=partial(nearest, memory=memory))
    around = nearest(queries, base, neighbours, memory=memory).scores.mean(1, dtype=np.float64)
    found = nearest(queries, base, k, offsets=offsets, memory=memory)
    return Neighbours(found.ids, (2 * found.scores.astype(np.float64) - around[:, None]).astype(np.float32))


def softmax_offsets(queries: Rows, base: Rows, sharpness: float, *, memory: int = MEMORY) -> Float64[np.ndarray, " m"]:
    """Offsets with which :func:`nearest` ranks by the inverted softmax (Smith et al. 2017, eq. 11).

        P(x | y) = exp(b s_xy) / sum over queries x' of exp(b s_x'y)

    Its logarithm, divided by b, is s_xy less an offset of y. Sums are taken in single precision within a tile and in double precision
    over tiles.

    Args:
        queries: [n, width]; all of them are in the sum.
        base: [m, width].
        sharpness: b, the inverse temperature.
        memory: bytes for tiles.

    Raises:
        SettingError: a sharpness that is not positive, or as :func:`nearest`.
    """
    check_sets(queries, base)
    if not 0 < sharpness < np.inf:
        raise SettingError(
            f"sharpness {sharpness}", "a positive number", "Choose another; 10 to 100 are usual for cosines."
        )
    for rows, name in ((queries, "queries"), (base, "base")):
        lengths(rows, name)
    sizes = tile_sizes(memory, queries.shape[1])
    highest, total = np.full(len(base), -np.inf), np.zeros(len(base))
    for start in range(0, len(base), sizes.base):
        part = slice(start, start + sizes.base)
        right = single(base[part])
        for first in range(0, len(queries), sizes.queries):
            logits: Float32[np.ndarray, "some rows"] = single(queries[first : first + sizes.queries]) @ right.T
            logits *= np.float32(sharpness)
            top = logits.max(0)
            raised = np.maximum(highest[part], top)
            sums = np.exp(logits - top).sum(0, dtype=np.float64) * np.exp(top - raised)
            total[part] = total[part] * np.exp(highest[part] - raised) + sums
            highest[part] = raised
    return -(highest + np.log(total)) / sharpness
