"""One-to-one assignment between two large sets of embeddings, with a certificate of how good it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64, Int

from ..errors import SettingError
from ..types import OnStep, Step
from .auction import State, sell, start
from .blocks import MEMORY, Rows, check_sets, pair_scores
from .certificate import Certificate, best_gains, least_prices, rounding_loss
from .completion import completed, exact_assignment, exact_prices, similarities
from .graph import Edges, Graph
from .search import Neighbours, nearest

__all__ = ["Assignment", "one_to_one"]

EXACT = 5000
"""Up to so many columns, the result is the optimum."""

PASSES = 6
"""Most auctions, with exact searches after each."""

CROWD = 10
"""Neighbours that tell how crowded the place of a column is."""


@dataclass(frozen=True)
class Assignment:
    """A column for each row, no column twice.

    Attributes:
        columns: of each row.
        scores: similarity of each pair.
        prices: of the columns; at these the certificate's bound was found.
        certificate: value and bound.
    """

    columns: Int[np.ndarray, " n"]
    scores: Float64[np.ndarray, " n"]
    prices: Float64[np.ndarray, " m"]
    certificate: Certificate


def one_to_one(
    queries: Rows,
    base: Rows,
    *,
    tolerance: float = 0.005,
    neighbours: int = 24,
    exact: int = EXACT,
    memory: int = MEMORY,
    on_step: OnStep | None = None,
) -> Assignment:
    """Assign each query a base row of its own, so that the total inner product is the largest possible up to a tolerance.

    Three exact searches collect candidates: queries near each base row, base rows near each query where crowded ones count less (as in
    CSLS), and queries that gain least where they are. Then auctions on the candidates (:func:`.auction.sell`) alternate with exact
    searches at the auction's prices, in both directions. These prove a bound (:func:`.certificate.best_gains`), show the pairs that the
    candidates lack (column generation, Gilmore and Gomory 1961) and lower prices that are too high. It ends when value and bound agree, or
    after six auctions: read the certificate.

    Up to `exact` base rows, the optimum itself is found from the auction's prices.

    Args:
        queries: [n, width] in float16 or float32.
        base: [m, width], with m >= n.
        tolerance: largest gap of the certificate, relative to its bound.
        neighbours: candidates from each search.
        exact: most base rows for the optimum; needs 16 bytes for each pair.
        memory: bytes for tiles of the searches.
        on_step: called within each search (stage `search`) and after each auction (stage `assignment`).

    Raises:
        SettingError: more queries than base rows, a tolerance or number of neighbours that is not positive, or as :func:`nearest`.
    """
    check_sets(queries, base)
    if len(queries) > len(base):
        raise SettingError(
            f"{len(queries)} queries for {len(base)} base rows", "no more queries than base rows", "Exchange them."
        )
    if not tolerance > 0 or neighbours < 1:
        raise SettingError(f"tolerance {tolerance} and {neighbours} neighbours", "positive numbers", "Choose others.")
    graph, prices = _candidates(queries, base, neighbours, memory, on_step)
    state = start(len(queries), prices)
    spread = float(np.ptp(graph.values)) or 1.0
    level = abs(float(graph.bids(np.arange(len(queries)), prices).best.sum() + prices.sum())) / len(queries)
    last = max(tolerance * level / 4, 1e-6 * spread)
    known = _Known(-math.inf, math.inf)
    for number in range(1, PASSES + 1):
        sell(graph, state, max(spread / 8, last), last)
        if on_step:
            on_step(Step("assignment", number, PASSES))
        if len(base) <= exact:
            return _optimum(queries, base, state)
        columns = completed(queries, base, state.column_of)
        scores = pair_scores(queries, base, np.arange(len(queries)), columns)
        known.assigned(columns, scores)
        there, gains = best_gains(queries, base, state.prices, neighbours=neighbours, memory=memory, on_step=on_step)
        parts = [_pairs(there, state.prices)]
        known.bounded(gains, state.prices)
        if known.gap <= tolerance:
            break
        back, state.prices = least_prices(queries, base, gains, neighbours=neighbours, memory=memory, on_step=on_step)
        parts.append(_mirrored(_pairs(back, gains)))
        known.bounded(gains, state.prices)
        if known.gap <= tolerance:
            break
        left = np.flatnonzero(state.column_of < 0)
        graph = graph.with_pairs(*parts, (left, columns[left], scores[left]))
    return Assignment(known.columns, known.scores, known.prices, Certificate(known.value, known.bound))


@dataclass
class _Known:
    """The best assignment so far, and the lowest bound with its prices."""

    value: float
    bound: float
    columns: Int[np.ndarray, " n"] = field(init=False)
    scores: Float64[np.ndarray, " n"] = field(init=False)
    prices: Float64[np.ndarray, " m"] = field(init=False)

    @property
    def gap(self) -> float:
        return Certificate(self.value, self.bound).gap

    def assigned(self, columns: Int[np.ndarray, " n"], scores: Float64[np.ndarray, " n"]) -> None:
        if (value := math.fsum(scores)) > self.value:
            self.value, self.columns, self.scores = value, columns, scores

    def bounded(self, gains: Float64[np.ndarray, " n"], prices: Float64[np.ndarray, " m"]) -> None:
        if (bound := math.fsum(gains) + math.fsum(prices)) < self.bound:
            self.bound, self.prices = bound, prices.copy()


def _pairs(found: Neighbours, prices: Float64[np.ndarray, " _"]) -> Edges:
    """Pairs of a search at prices, with their similarities."""
    rows, columns = np.repeat(np.arange(len(found.ids)), found.ids.shape[1]), found.ids.ravel()
    return rows, columns, found.scores.ravel().astype(np.float64) + prices[columns]


def _mirrored(pairs: Edges) -> Edges:
    return pairs[1], pairs[0], pairs[2]


def _candidates(
    queries: Rows, base: Rows, neighbours: int, memory: int, on_step: OnStep | None
) -> tuple[Graph, Float64[np.ndarray, " m"]]:
    """The first pairs, and prices to begin with: what the highest bidder could pay without loss."""
    there, back = min(neighbours, len(base)), min(neighbours, len(queries))
    near = nearest(base, queries, back, memory=memory, on_step=on_step)
    crowd = near.scores[:, :CROWD].mean(1, dtype=np.float64) / 2
    fair = nearest(queries, base, there, offsets=-crowd, memory=memory, on_step=on_step)
    gains = fair.scores[:, 0].astype(np.float64)
    needy, prices = least_prices(queries, base, gains, neighbours=neighbours, memory=memory, on_step=on_step)
    parts = [_pairs(fair, crowd), _mirrored(_pairs(near, np.zeros(len(queries)))), _mirrored(_pairs(needy, gains))]
    return Graph.of((len(queries), len(base)), parts), prices


def _optimum(queries: Rows, base: Rows, state: State) -> Assignment:
    scores = similarities(queries, base)
    columns = exact_assignment(scores, state.prices)
    prices = exact_prices(scores, columns, state.prices)
    bound = math.fsum((scores - prices).max(1)) + math.fsum(prices) + math.fsum(rounding_loss(queries, base, prices))
    own = pair_scores(queries, base, np.arange(len(queries)), columns)
    return Assignment(columns, own, prices, Certificate(math.fsum(own), bound))
