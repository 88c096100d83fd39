"""The auction algorithm for one-to-one assignment on a sparse graph, with whole arrays of bidders at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from .graph import Graph

__all__ = ["State", "sell", "settle_prices", "start"]

ROUNDS = 20_000
"""Most rounds of one phase; usual are some hundreds."""

STALL = 1000
"""A phase also ends when so many rounds have not brought the number of waiting rows to a new low: the graph has no columns for them."""

LEFT_OVER = 2000
"""A phase ends when one row in so many has no column: the last ones would take most of the rounds."""

FALL = 4.0
"""Factor between the increments of two phases."""


@dataclass
class State:
    """An unfinished assignment. -1 stands for none.

    Attributes:
        prices: of each column.
        column_of: column of each row.
        row_of: row of each column.
    """

    prices: Float64[np.ndarray, " m"]
    column_of: Int[np.ndarray, " n"]
    row_of: Int[np.ndarray, " m"]

    def release(self, rows: Int[np.ndarray, " some"]) -> None:
        """Take the columns of some rows away."""
        self.row_of[self.column_of[rows]] = -1
        self.column_of[rows] = -1


def start(rows: int, prices: Float64[np.ndarray, " m"]) -> State:
    """A state without pairs."""
    return State(prices.astype(np.float64), np.full(rows, -1), np.full(len(prices), -1))


def sell(graph: Graph, state: State, first: float, last: float) -> None:
    """Assign almost all rows, so that each is within `last` of its best column at the prices (Bertsekas 1988).

    Rows without a column bid for their best column: its price rises by the difference to the second best and an increment. The
    increment falls from `first` to `last` in phases; rows that the next phase would not accept lose their column. A row whose best
    net value falls far below all values so far waits until the next call: the graph may have no column for it. If there
    are more columns than rows, prices of columns without a row become 0 at the end (:func:`settle_prices`).

    Args:
        graph: the pairs that may be chosen.
        state: is changed.
        first: first increment of prices.
        last: last increment.
    """
    spread = float(np.ptp(graph.values)) + first
    everyone = np.arange(graph.shape[0])
    increment = first
    while True:
        increment = max(increment, last)
        floor = float(graph.values.min() - state.prices.max()) - spread
        held = np.flatnonzero(state.column_of >= 0)
        net = graph.value_of(held, state.column_of[held]) - state.prices[state.column_of[held]]
        state.release(held[net < graph.bids(everyone, state.prices).best[held] - increment])
        _bid(
            graph,
            state,
            np.flatnonzero(state.column_of < 0),
            increment=increment,
            floor=floor,
            enough=graph.shape[0] // LEFT_OVER,
        )
        if increment <= last:
            break
        increment /= FALL
    if graph.shape[1] > graph.shape[0]:
        settle_prices(graph, state, last)


def settle_prices(graph: Graph, state: State, increment: float) -> None:
    """Make the prices of columns without a row 0, the price at which nobody wants them (Bertsekas and Castanon 1992).

    Such columns ask their best row, as rows bid for columns: what the row gains takes the part of the price. Columns that no row
    wants at a positive price leave.
    """
    mirrored = graph.transposed()
    asked = np.flatnonzero(np.diff(mirrored.begins) > 0)
    gains = graph.bids(np.arange(graph.shape[0]), state.prices).best
    held = np.flatnonzero(state.column_of >= 0)
    gains[held] = graph.value_of(held, state.column_of[held]) - state.prices[state.column_of[held]]
    state.prices[(state.row_of < 0) & (state.prices < 0)] = 0
    other = State(gains, state.row_of, state.column_of)
    unsold = np.flatnonzero((state.row_of < 0) & (state.prices > 0))
    _bid(mirrored, other, np.intersect1d(unsold, asked), increment=increment, floor=0.0, patience=ROUNDS)
    state.prices[:] = 0
    state.prices[asked] = np.maximum(0, mirrored.bids(asked, other.prices).best)
    held = np.flatnonzero(state.column_of >= 0)
    state.prices[state.column_of[held]] = np.maximum(
        0, graph.value_of(held, state.column_of[held]) - other.prices[held]
    )


def _bid(
    graph: Graph,
    state: State,
    waiting: Int[np.ndarray, " some"],
    *,
    increment: float,
    floor: float,
    enough: int = 0,
    patience: int = STALL,
) -> None:
    """Rounds of bids by waiting rows, until at most `enough` of them have neither a column nor left because nothing is above `floor`."""
    fewest, since = len(waiting) + 1, 0
    for number in range(ROUNDS):
        if len(waiting) < fewest:
            fewest, since = len(waiting), number
        if len(waiting) <= enough or number - since > patience:
            return
        bids = graph.bids(waiting, state.prices)
        going = bids.best > floor
        waiting, columns = waiting[going], bids.columns[going]
        if not len(waiting):
            return
        offers = state.prices[columns] + bids.best[going] - np.maximum(bids.second[going], floor) + increment
        order = np.lexsort((-waiting, offers, columns))
        sorted_columns = columns[order]
        wins = order[np.r_[sorted_columns[1:] != sorted_columns[:-1], True]]
        sold, winners = columns[wins], waiting[wins]
        former = state.row_of[sold]
        former = former[former >= 0]
        state.column_of[former] = -1
        state.prices[sold], state.row_of[sold], state.column_of[winners] = offers[wins], winners, sold
        lost = np.ones(len(waiting), bool)
        lost[wins] = False
        waiting = np.concatenate([waiting[lost], former])
