"""Pairs that may be chosen, as a sparse matrix, and what each row would bid for its best column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64, Int

__all__ = ["Bids", "Edges", "Graph"]

Edges = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Row, column and similarity of each pair."""


@dataclass(frozen=True)
class Bids:
    """The best column of some rows, its net value (similarity less price) and that of the second best; -inf if there is none."""

    columns: Int[np.ndarray, " some"]
    best: Float64[np.ndarray, " some"]
    second: Float64[np.ndarray, " some"]


@dataclass(frozen=True)
class Graph:
    """Pairs sorted by row and column; every row has at least one.

    Attributes:
        shape: numbers of rows and columns.
        rows: row of each pair.
        columns: column of each pair.
        values: similarity of each pair.
    """

    shape: tuple[int, int]
    rows: Int[np.ndarray, " edges"]
    columns: Int[np.ndarray, " edges"]
    values: Float64[np.ndarray, " edges"]

    @classmethod
    def of(cls, shape: tuple[int, int], parts: Iterable[Edges]) -> Graph:
        """Join lists of pairs; of equal pairs the first one's similarity counts."""
        rows, columns, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        keys, first = np.unique(rows.astype(np.int64) * shape[1] + columns, return_index=True)
        return cls(
            shape,
            (keys // shape[1]).astype(np.int32),
            (keys % shape[1]).astype(np.int32),
            values[first].astype(np.float64),
        )

    def with_pairs(self, *parts: Edges) -> Graph:
        """The graph with more pairs."""
        return Graph.of(self.shape, [(self.rows, self.columns, self.values), *parts])

    def transposed(self) -> Graph:
        """The graph with rows and columns exchanged."""
        order = np.lexsort((self.rows, self.columns))
        return Graph(self.shape[::-1], self.columns[order], self.rows[order], self.values[order])

    @cached_property
    def begins(self) -> Int[np.ndarray, " _"]:
        """Position of each row's first pair, and the number of pairs."""
        return np.r_[0, np.cumsum(np.bincount(self.rows, minlength=self.shape[0]))]

    def bids(self, rows: Int[np.ndarray, " some"], prices: Float64[np.ndarray, " _"]) -> Bids:
        """What some rows prefer at the prices; of equal columns the first."""
        begins, counts = self.begins[rows], self.begins[rows + 1] - self.begins[rows]
        starts = np.cumsum(counts) - counts
        which = np.repeat(np.arange(len(rows)), counts)
        positions = np.arange(len(which)) + (begins - starts)[which]
        columns = self.columns[positions]
        net = self.values[positions] - prices[columns]
        best = np.maximum.reduceat(net, starts)
        hits = np.flatnonzero(net == best[which])
        owners = which[hits]
        first = hits[np.r_[True, owners[1:] != owners[:-1]]]
        net[first] = -np.inf
        return Bids(columns[first], best, np.maximum.reduceat(net, starts))

    def value_of(
        self, rows: Int[np.ndarray, " some"], columns: Int[np.ndarray, " some"]
    ) -> Float64[np.ndarray, " some"]:
        """Similarities of pairs of the graph; -inf for others."""
        keys = self.rows.astype(np.int64) * self.shape[1] + self.columns
        asked = rows.astype(np.int64) * self.shape[1] + columns
        at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
        return np.where(keys[at] == asked, self.values[at], -np.inf)
