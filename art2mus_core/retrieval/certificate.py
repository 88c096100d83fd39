"""An upper bound for every one-to-one assignment, and what it says about one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from ..types import OnStep
from .blocks import MEMORY, Rows, lengths
from .search import Neighbours, nearest

__all__ = ["Certificate", "best_gains", "least_prices", "rounding_loss"]


@dataclass(frozen=True)
class Certificate:
    """What is known of an assignment without knowing the optimum, which lies between both numbers.

    Attributes:
        value: total similarity of the assignment.
        bound: total that no assignment exceeds.
    """

    value: float
    bound: float

    @property
    def gap(self) -> float:
        """Share of the bound that may be missing."""
        missing = self.bound - self.value
        if not self.bound:
            return math.inf if missing > 0 else 0.0
        return missing / abs(self.bound)

    def __str__(self) -> str:
        return f"total {self.value:.6g}, at most {self.bound:.6g} is possible (gap {self.gap:.3%})"


def best_gains(
    queries: Rows,
    base: Rows,
    prices: Float64[np.ndarray, " m"],
    *,
    neighbours: int = 1,
    memory: int = MEMORY,
    on_step: OnStep | None = None,
) -> tuple[Neighbours, Float64[np.ndarray, " n"]]:
    """Return each query's best base rows at the prices, and its gain: the largest similarity less price, rounded up.

    For any prices (not negative, if there are more base rows than queries), no one-to-one assignment has a total above

        sum over i of max over j (s_ij - p_j)  +  sum over j of p_j

    This is the dual of the assignment's linear program.

    Args:
        queries: [n, width].
        base: [m, width].
        prices: of the base rows.
        neighbours: base rows to return for each query.
        memory: bytes for tiles.
        on_step: called within the search.
    """
    k = min(neighbours, len(base))
    found = nearest(queries, base, k, offsets=-prices, memory=memory, on_step=on_step)
    highest = np.nextafter(found.scores[:, 0], np.float32(np.inf)).astype(np.float64)
    return found, highest + rounding_loss(queries, base, prices)


def least_prices(
    queries: Rows,
    base: Rows,
    gains: Float64[np.ndarray, " n"],
    *,
    neighbours: int = 1,
    memory: int = MEMORY,
    on_step: OnStep | None = None,
) -> tuple[Neighbours, Float64[np.ndarray, " m"]]:
    """Return the queries that want each base row most, and the lowest prices at which no query gains more than `gains`.

    These prices give the smallest bound for the gains: p_j = max over i of (s_ij - gain_i), and at least 0 if there are more base rows
    than queries. Arguments as for :func:`best_gains`.
    """
    found, prices = best_gains(base, queries, gains, neighbours=neighbours, memory=memory, on_step=on_step)
    return found, prices if len(base) == len(queries) else np.maximum(prices, 0)


def rounding_loss(queries: Rows, base: Rows, prices: Float64[np.ndarray, " m"]) -> Float64[np.ndarray, " n"]:
    """By how much similarity less price, computed in float64, can be too small for each query."""
    longest = lengths(queries, "queries") * lengths(base, "base").max() + np.abs(prices).max()
    return (queries.shape[1] + 2) * 2.0**-52 * longest
