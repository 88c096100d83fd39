"""An upper bound for every one-to-one assignment, and what it says about one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from ..types import OnStep
from .blocks import MEMORY, Rows, lengths
from .search import Neighbours, nearest

__all__ = ["Certificate", "dual_bound", "rounding_loss"]


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
        return (self.bound - self.value) / abs(self.bound) if self.bound else 0.0

    def __str__(self) -> str:
        return f"total {self.value:.6g}, at most {self.bound:.6g} is possible (gap {self.gap:.3%})"


def dual_bound(
    queries: Rows,
    base: Rows,
    prices: Float64[np.ndarray, " m"],
    *,
    neighbours: int = 1,
    memory: int = MEMORY,
    on_step: OnStep | None = None,
) -> tuple[Neighbours, float]:
    """Return each query's best base rows at the prices, and a total that no one-to-one assignment exceeds.

        sum over i of max over j (s_ij - p_j)  +  sum over j of p_j

    This is the dual of the assignment's linear program. With more base rows than queries, negative prices count as 0. The maxima are
    exact; they are rounded up by what float32 and the sums in float64 can have lost.

    Args:
        queries: [n, width].
        base: [m, width].
        prices: of the base rows.
        neighbours: base rows to return for each query.
        memory: bytes for tiles.
        on_step: called within the search.
    """
    if len(base) > len(queries):
        prices = np.maximum(prices, 0)
    found = nearest(queries, base, min(neighbours, len(base)), offsets=-prices, memory=memory, on_step=on_step)
    highest = np.nextafter(found.scores[:, 0], np.float32(np.inf)).astype(np.float64)
    lost = rounding_loss(queries, base, prices)
    return found, math.fsum(highest) + math.fsum(prices) + lost


def rounding_loss(queries: Rows, base: Rows, prices: Float64[np.ndarray, " m"]) -> float:
    """What the inner products in float64 can be too small by, summed over the queries."""
    longest = lengths(queries, "queries") * lengths(base, "base").max() + np.abs(prices).max()
    return math.fsum((queries.shape[1] + 2) * 2.0**-52 * longest)
