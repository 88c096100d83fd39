"""Diversity of a system's pieces."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int

from .rows import check_rows, distinct, unit

__all__ = ["Variety", "nearest_distance", "variety", "vendi_score"]

BLOCK = 1024


@dataclass(frozen=True)
class Variety:
    """Mean cosine distances (1 - cosine) of pairs of pieces.

    Attributes:
        within: between takes of one artwork, averaged over artworks with several; NaN without any.
        across: between pieces of different artworks; NaN for one artwork.
    """

    within: float
    across: float


def variety(rows: Float[np.ndarray, "n dim"], *, groups: Int[np.ndarray, " n"] | None = None) -> Variety:
    """Return mean distances within and across artworks: music that follows its artwork varies more across than within.

    All pairs of artworks have the same weight, whatever their number of takes.

    Raises:
        EvaluationError: no rows, zeros, values that are not finite, or `groups` of another length.
    """
    (rows,) = check_rows(rows, least=1)
    numbers, artworks = distinct(groups, len(rows))
    takes = np.bincount(numbers, minlength=artworks)
    sums = np.zeros((artworks, rows.shape[1]))
    np.add.at(sums, numbers, unit(rows))
    several = takes > 1
    # the sum over pairs of unit vectors is the square of their sum minus each vector's own square
    cosines = (np.sum(sums[several] ** 2, 1) - takes[several]) / (takes[several] * (takes[several] - 1))
    within = max(0.0, float(np.mean(1 - cosines))) if several.any() else math.nan
    if artworks < 2:
        return Variety(within, math.nan)
    means = sums / takes[:, None]
    cosine = (np.sum(means.sum(0) ** 2) - np.sum(means**2)) / (artworks * (artworks - 1))
    return Variety(within, max(0.0, float(1 - cosine)))


def vendi_score(rows: Float[np.ndarray, "n dim"]) -> float:
    """Return the effective number of different pieces, from 1 to n (Friedman and Dieng 2023, eq. 2).

    The exponential of the entropy of the eigenvalues of K / n, where K has the cosines of all pairs: 1 if all embeddings
    are parallel, n if all are orthogonal.

    Raises:
        EvaluationError: no rows, zeros, or values that are not finite.
    """
    (rows,) = check_rows(rows, least=1)
    shares = np.linalg.svd(unit(rows), compute_uv=False) ** 2 / len(rows)
    shares = shares[shares > 0]
    return float(np.exp(-np.sum(shares * np.log(shares))))


def nearest_distance(rows: Float[np.ndarray, "n dim"]) -> Float64[np.ndarray, " n"]:
    """Return the cosine distance of each row to the nearest other row; near 0 for copies.

    Raises:
        EvaluationError: fewer than two rows, zeros, or values that are not finite.
    """
    units = unit(*check_rows(rows, least=2))
    nearest = np.empty(len(units))
    for start in range(0, len(units), BLOCK):
        cosines = units[start : start + BLOCK] @ units.T
        np.fill_diagonal(cosines[:, start:], -np.inf)
        nearest[start : start + BLOCK] = cosines.max(1)
    return np.asarray(np.maximum(1 - nearest, 0))
