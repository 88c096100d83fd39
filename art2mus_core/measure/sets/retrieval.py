"""Retrieval of music by its artwork and of artworks by their music."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from ...errors import EvaluationError
from .rows import DIGITS

__all__ = ["DEPTHS", "Retrieval", "chance", "retrieval"]

DEPTHS = (1, 5, 10)


@dataclass(frozen=True)
class Retrieval:
    """Ranks for each query.

    Attributes:
        ranks: rank of the first relevant entry, from 1.
        precisions: average precision (Voorhees and Harman, TREC): mean over relevant entries of the precision at their rank.
    """

    ranks: Int[np.ndarray, " queries"]
    precisions: Float64[np.ndarray, " queries"]

    def metrics(self) -> dict[str, float]:
        """Return `R@1`, `R@5`, `R@10` (share of queries with a relevant entry in the top 1, 5, 10), `median rank`, `MRR`, `mAP`."""
        return {
            **{f"R@{depth}": float(np.mean(self.ranks <= depth)) for depth in DEPTHS},
            "median rank": float(np.median(self.ranks)),
            "MRR": float(np.mean(1 / self.ranks)),
            "mAP": float(np.mean(self.precisions)),
        }


def retrieval(
    similarity: Float[np.ndarray, "queries gallery"], relevant: Bool[np.ndarray, "queries gallery"]
) -> Retrieval:
    """Rank the gallery for each query; transpose both arguments to exchange queries and gallery.

    Equally similar entries (up to rounding) rank irrelevant ones first, so that a system with equal output for all queries
    finds nothing, whatever the order of its files.

    Raises:
        EvaluationError: no queries, a query without a relevant entry, or similarities that are not finite.
    """
    _check(relevant)
    if not np.isfinite(similarity).all():
        raise EvaluationError(
            f"{int((~np.isfinite(similarity)).sum())} similarities that are not finite",
            "finite ones",
            "Check the sounds and the embedder.",
        )
    levels = np.round(similarity / (np.abs(similarity).max() or 1.0), DIGITS)
    order = np.lexsort((relevant, -levels), axis=1)
    found = np.take_along_axis(relevant, order, axis=1)
    places = np.arange(1, found.shape[1] + 1)
    precisions = (np.cumsum(found, axis=1) / places * found).sum(1) / found.sum(1)
    return Retrieval(found.argmax(1) + 1, precisions)


def chance(relevant: Bool[np.ndarray, "queries gallery"]) -> dict[str, float]:
    """Return the expectation of :meth:`Retrieval.metrics` for a gallery in random order.

    The median rank is taken over all queries and all orders.

    Raises:
        EvaluationError: no queries, or a query without a relevant entry.
    """
    _check(relevant)
    gallery = relevant.shape[1]
    places = np.arange(1, gallery + 1)
    counts, queries = np.unique(relevant.sum(1), return_counts=True)
    weights = queries / queries.sum()
    # share of orders with a relevant entry in the top k
    within = weights @ np.array([1 - _all_miss(gallery, int(count)) for count in counts])
    harmonic = np.sum(1 / places)
    others = (counts - 1) / max(gallery - 1, 1)
    return {
        **{f"R@{depth}": float(within[min(depth, gallery) - 1]) for depth in DEPTHS},
        "median rank": float(places[np.argmax(within >= 0.5 - 1e-12)]),
        "MRR": float(np.sum(np.diff(within, prepend=0) / places)),
        "mAP": float(weights @ (harmonic + others * (gallery - harmonic)) / gallery),
    }


def _all_miss(gallery: int, relevant: int) -> Float64[np.ndarray, " gallery"]:
    """Return the share of orders in which the top 1, 2, ... entries are all irrelevant."""
    whole = math.comb(gallery, relevant)
    return np.array([math.comb(gallery - k, relevant) / whole for k in range(1, gallery + 1)])


def _check(relevant: np.ndarray) -> None:
    if not relevant.size:
        raise EvaluationError("no queries", "at least one, and a gallery", "Add artworks and pieces.")
    if not relevant.any(1).all():
        raise EvaluationError(
            f"{int((~relevant.any(1)).sum())} queries without a relevant entry", "one each", "Remove those queries."
        )
