"""Kernel distances between sets of embeddings: KAD and, with KID's kernel, the polynomial one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float64

from ...errors import EvaluationError
from .rows import check_rows

__all__ = ["kernel_distance", "median_distance", "polynomial_distance"]

SCALE = 100.0
BLOCK = 512
"""Rows of a kernel matrix that are held at once."""

MEDIAN_ROWS = 4096
"""The median distance is taken over at most so many rows, evenly spaced: 8 million pairs settle it."""

Rows = Float64[np.ndarray, "_ dim"]
Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]


def kernel_distance(
    generated: Float[np.ndarray, "n dim"], reference: Float[np.ndarray, "m _"], *, bandwidth: float | None = None
) -> float:
    """KAD (Chung et al. 2025, "KAD: No More FAD!"): 100 times the unbiased MMD^2 with a Gaussian kernel.

        MMD^2 = mean k(x, x') over x != x' + mean k(y, y') over y != y' - 2 mean k(x, y)
        k(x, y) = exp(-|x - y|^2 / (2 bandwidth^2))

    The bandwidth is the median distance between two embeddings of the reference, so that it stays the same for all
    systems; exchanging the sets changes the value. The factor of 100 is that of the authors' toolkit. Being unbiased, it
    is negative half of the time for sets of one distribution.

    Raises:
        EvaluationError: fewer than two rows, different widths, values that are not finite, or a bandwidth that is not
            positive.
    """
    x, y = check_rows(generated, reference, least=2)
    width = median_distance(reference) if bandwidth is None else bandwidth
    if not 0 < width < np.inf:
        raise EvaluationError(
            f"a bandwidth of {width:g}",
            "one above 0",
            "Give one, or a reference of which fewer than half of the embeddings are the same.",
        )
    # from the reference's middle, squares of distances lose the fewest digits
    middle = y.mean(0)
    return SCALE * _squared_discrepancy(
        x - middle, y - middle, lambda a, b: np.exp(_squared_distances(a, b) / (-2 * width**2))
    )


def polynomial_distance(generated: Float[np.ndarray, "n dim"], reference: Float[np.ndarray, "m _"]) -> float:
    """The unbiased MMD^2 with the kernel (x.y / dim + 1)^3 (Binkowski et al. 2018, "Demystifying MMD GANs": KID).

    Raises:
        EvaluationError: fewer than two rows, different widths, or values that are not finite.
    """
    x, y = check_rows(generated, reference, least=2)
    return _squared_discrepancy(x, y, lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3)


def median_distance(rows: Float[np.ndarray, "n dim"]) -> float:
    """The median of the Euclidean distances between two different rows.

    Raises:
        EvaluationError: fewer than two rows, or values that are not finite.
    """
    (rows,) = check_rows(rows, least=2)
    rows = rows[:: -(-len(rows) // MEDIAN_ROWS)]
    squares = _squared_distances(rows - rows.mean(0), rows - rows.mean(0))
    return float(np.median(np.sqrt(squares[np.triu_indices(len(rows), 1)])))


def _squared_distances(a: Rows, b: Rows) -> Float64[np.ndarray, "_ _"]:
    squares = a @ b.T
    squares *= -2
    squares += np.sum(a**2, 1)[:, None]
    squares += np.sum(b**2, 1)
    return np.maximum(squares, 0, out=squares)


def _squared_discrepancy(x: Rows, y: Rows, kernel: Kernel) -> float:
    return _mean_of_others(x, kernel) + _mean_of_others(y, kernel) - 2 * _total(x, y, kernel) / (len(x) * len(y))


def _mean_of_others(x: Rows, kernel: Kernel) -> float:
    """Mean of the kernel over pairs of different rows of one set."""
    own = sum(float(kernel(row, row)[0, 0]) for row in x[:, None])
    return (_total(x, x, kernel) - own) / (len(x) * (len(x) - 1))


def _total(x: Rows, y: Rows, kernel: Kernel) -> float:
    return float(sum(kernel(x[start : start + BLOCK], y).sum() for start in range(0, len(x), BLOCK)))
