"""Exact assignment where a matrix of all similarities fits: small sets, and what an auction leaves over."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int

from .blocks import Rows, single
from .search import nearest

__all__ = ["completed", "exact_assignment", "exact_prices", "similarities"]

CHUNK = 1000
"""Rows without a column that are assigned together."""

SWEEPS = 2000
"""Most sweeps for exact prices; each reaches one exchange further."""

SETTLED = 1e-13
"""Prices that rise by less have settled, relative to the largest similarity."""


def similarities(queries: Rows, base: Rows) -> Float64[np.ndarray, "n m"]:
    """All inner products in float64."""
    return single(queries).astype(np.float64) @ single(base).astype(np.float64).T


def completed(queries: Rows, base: Rows, column_of: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Give each row without a column (-1) one that is free, by optimal assignment of up to a thousand rows at a time.

    Free columns are all considered if they are few; otherwise each row's nearest ones, and as many others as there are rows.
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - half a second

    column_of = column_of.copy()
    left = np.flatnonzero(column_of < 0)
    for start in range(0, len(left), CHUNK):
        rows = left[start : start + CHUNK]
        free = np.setdiff1d(np.arange(len(base)), column_of)
        if len(free) > 4 * CHUNK:
            near = nearest(queries[rows], base[free], 2).ids
            free = free[np.union1d(near, np.arange(len(rows)))]
        chosen, columns = linear_sum_assignment(similarities(queries[rows], base[free]), maximize=True)
        column_of[rows[chosen]] = free[columns]
    return column_of


def exact_assignment(scores: Float64[np.ndarray, "n m"], prices: Float64[np.ndarray, " m"]) -> Int[np.ndarray, " n"]:
    """The column of each row in an assignment with the largest total.

    scipy's algorithm (Crouse 2016) begins without prices and needs minutes for thousands of rows with hubs. Prices from an auction
    leave it little to search; in a square matrix they do not change the optimum, so missing rows are filled with zeros.

    Args:
        scores: similarities, with no more rows than columns.
        prices: of the columns, nearly optimal.
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - half a second

    costs = np.zeros((scores.shape[1], scores.shape[1]))
    np.negative(scores, out=costs[: len(scores)])
    costs += prices
    return linear_sum_assignment(costs)[1][: len(scores)]


def exact_prices(
    scores: Float64[np.ndarray, "n m"], column_of: Int[np.ndarray, " n"], prices: Float64[np.ndarray, " m"]
) -> Float64[np.ndarray, " m"]:
    """Prices at which the columns of an optimal assignment are the best for all rows.

    Prices rise along exchanges, p_j = max over rows i of p_a(i) + s_ij - s_ia(i), until none gains (Bellman 1958). If there are more
    columns than rows, they start at 0, and columns without a row keep that.

    Args:
        scores: similarities.
        column_of: the optimal assignment.
        prices: to start from if there are as many rows as columns.
    """
    own = scores[np.arange(len(scores)), column_of]
    prices = prices.copy() if scores.shape[0] == scores.shape[1] else np.zeros_like(prices)
    settled = SETTLED * float(np.abs(scores).max())
    for _ in range(SWEEPS):
        before = prices.copy()
        level = prices[column_of] - own
        for start in range(0, len(scores), 256):
            part = slice(start, start + 256)
            np.maximum(prices, (scores[part] + level[part, None]).max(0), out=prices)
        if (prices - before).max() <= settled:
            break
    return prices
