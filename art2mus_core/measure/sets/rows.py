"""What every metric of embeddings asks of them: finite rows, of one width, that have a direction."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int

from ...errors import EvaluationError

__all__ = ["DIGITS", "check_rows", "distinct", "unit"]

Rows = Float[np.ndarray, "_ _"]

DIGITS = 12
"""Decimals to which two cosines are compared: products of equal rows differ in the last ones by where they stand."""


def check_rows(*sets: Rows, least: int) -> list[Float64[np.ndarray, "_ dim"]]:
    """Each set of rows in float64.

    Raises:
        EvaluationError: fewer than `least` rows, sets of different widths, or values that are not finite.
    """
    widths = sorted({rows.shape[1] for rows in sets})
    if len(widths) > 1:
        raise EvaluationError(
            f"embeddings of {' and of '.join(map(str, widths))} numbers",
            "sets of one width",
            "Take both from one embedder.",
        )
    for rows in sets:
        if len(rows) < least:
            raise EvaluationError(f"{len(rows)} embeddings", f"at least {least}", "Give more sounds.")
        if not np.isfinite(rows).all():
            broken = int((~np.isfinite(rows)).any(1).sum())
            raise EvaluationError(
                f"{broken} of {len(rows)} embeddings with values that are not finite",
                "finite embeddings",
                "Look for broken sounds, or for a broken embedder.",
            )
    return [np.asarray(rows, np.float64) for rows in sets]


def unit(rows: Float64[np.ndarray, "n dim"]) -> Float64[np.ndarray, "n dim"]:
    """The rows at length 1.

    Raises:
        EvaluationError: a row of zeros, which has no direction.
    """
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not lengths.all():
        raise EvaluationError(
            f"{int((lengths == 0).sum())} embeddings of zeros only",
            "embeddings with a direction",
            "Look for silent sounds, or for a broken embedder.",
        )
    return np.asarray(rows / lengths)


def distinct(groups: Int[np.ndarray, " n"] | None, count: int) -> tuple[Int[np.ndarray, " n"], int]:
    """Numbers 0, 1, ... for the artworks that `count` rows belong to, and how many artworks there are.

    Args:
        groups: any number for each artwork, the same for all its takes; None where every row has its own.
        count: rows.

    Raises:
        EvaluationError: not one group a row.
    """
    if groups is None:
        return np.arange(count), count
    if len(groups) != count:
        raise EvaluationError(f"{len(groups)} groups for {count} rows", "one a row", "Give each row its artwork.")
    names, numbers = np.unique(groups, return_inverse=True)
    return numbers, len(names)
