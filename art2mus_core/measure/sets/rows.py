"""Checks and normalisation of embeddings that all metrics share."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int

from ...errors import EvaluationError

__all__ = ["DIGITS", "check_rows", "cosines", "distinct", "unit"]

Rows = Float[np.ndarray, "_ _"]

DIGITS = 12
"""Decimals in comparisons of cosines: products of equal rows differ in the last ones by their position."""


def check_rows(*sets: Rows, least: int) -> list[Float64[np.ndarray, "_ dim"]]:
    """Check sets of embeddings and convert them to float64.

    Raises:
        EvaluationError: fewer than `least` rows, sets of different widths, or values that are not finite.
    """
    widths = sorted({rows.shape[1] for rows in sets})
    if len(widths) > 1:
        raise EvaluationError(
            f"embeddings of {' and of '.join(map(str, widths))} numbers",
            "sets of one width",
            "Use one embedder for both.",
        )
    for rows in sets:
        if len(rows) < least:
            raise EvaluationError(f"{len(rows)} embeddings", f"at least {least}", "Add sounds.")
        if not np.isfinite(rows).all():
            broken = int((~np.isfinite(rows)).any(1).sum())
            raise EvaluationError(
                f"{broken} of {len(rows)} embeddings with values that are not finite",
                "finite embeddings",
                "Check the sounds and the embedder.",
            )
    return [np.asarray(rows, np.float64) for rows in sets]


def unit(rows: Float64[np.ndarray, "n dim"]) -> Float64[np.ndarray, "n dim"]:
    """Normalise rows to length 1.

    Raises:
        EvaluationError: a row of zeros.
    """
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not lengths.all():
        raise EvaluationError(
            f"{int((lengths == 0).sum())} embeddings of zeros only",
            "embeddings with a direction",
            "Check for silent sounds, and the embedder.",
        )
    return np.asarray(rows / lengths)


def cosines(a: Float64[np.ndarray, "n dim"], b: Float64[np.ndarray, "m dim"]) -> Float64[np.ndarray, "n m"]:
    """The cosine of every row of `a` with every row of `b`.

    Raises:
        EvaluationError: a row of zeros.
    """
    return np.asarray(unit(a) @ unit(b).T)


def distinct(groups: Int[np.ndarray, " n"] | None, count: int) -> tuple[Int[np.ndarray, " n"], int]:
    """Return the artwork of each of `count` rows as a number from 0, and the number of artworks.

    Args:
        groups: a number for each row, the same for all takes of an artwork; None if every row has its own artwork.
        count: number of rows.

    Raises:
        EvaluationError: `groups` of another length.
    """
    if groups is None:
        return np.arange(count), count
    if len(groups) != count:
        raise EvaluationError(
            f"{len(groups)} groups for {count} rows", "one for each row", "Pass the artwork of each row."
        )
    names, numbers = np.unique(groups, return_inverse=True)
    return numbers, len(names)
