"""Kernel distances between sets of embeddings: KAD, and the polynomial distance with KID's kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from ...errors import EvaluationError
from .rows import check_rows

__all__ = ["KernelTarget", "kernel_distance", "median_distance", "polynomial_distance"]

SCALE = 100.0
BLOCK = 512
"""Rows of a kernel matrix computed at once."""

MEDIAN_ROWS = 4096
"""Largest number of rows, evenly spaced, for the median distance: 8 million pairs."""

Rows = Float64[np.ndarray, "_ dim"]
Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class KernelTarget:
    """A reference set, with values shared by all comparisons with it.

    Attributes:
        rows: embeddings minus their mean.
        middle: mean of the embeddings.
        bandwidth: bandwidth of the Gaussian kernel.
        own: mean of the kernel over pairs of different embeddings.
    """

    rows: Float64[np.ndarray, "m dim"]
    middle: Float64[np.ndarray, " dim"]
    bandwidth: float
    own: float

    @classmethod
    def fit(cls, rows: Float[np.ndarray, "m dim"], *, bandwidth: float | None = None) -> KernelTarget:
        """Fit to at least two embeddings; the bandwidth is :func:`median_distance` if not given.

        Raises:
            EvaluationError: fewer than two rows, values that are not finite, or a bandwidth that is not positive.
        """
        (rows,) = check_rows(rows, least=2)
        width = median_distance(rows) if bandwidth is None else bandwidth
        if not 0 < width < np.inf:
            raise EvaluationError(
                f"a bandwidth of {width:g}",
                "one above 0",
                "Set one, or use a reference in which fewer than half of the embeddings are equal.",
            )
        # relative to the reference's mean, squared distances lose the fewest digits
        middle = rows.mean(0)
        return cls(rows - middle, middle, width, _mean_of_others(rows - middle, _gaussian(width)))


def kernel_distance(generated: Float[np.ndarray, "n dim"], reference: Float[np.ndarray, "m _"] | KernelTarget) -> float:
    """Return KAD (Chung et al. 2025, "KAD: No More FAD!"): 100 times the unbiased MMD^2 with a Gaussian kernel.

        MMD^2 = mean k(x, x') over x != x' + mean k(y, y') over y != y' - 2 mean k(x, y)
        k(x, y) = exp(-|x - y|^2 / (2 bandwidth^2))

    The bandwidth is the median distance between embeddings of the reference, so it is the same for all systems; exchanging
    the sets changes the value. The authors' toolkit (kadtk 1.1.0), which has the same factor of 100, defaults to the other
    set's bandwidth. As the distance is unbiased, it is negative half of the time for sets of one distribution.

    Args:
        generated: embeddings.
        reference: embeddings, or a target fitted to them.

    Raises:
        EvaluationError: fewer than two rows, different widths, values that are not finite, or a bandwidth that is not
            positive.
    """
    target = reference if isinstance(reference, KernelTarget) else KernelTarget.fit(reference)
    x = check_rows(generated, target.rows, least=2)[0] - target.middle
    kernel = _gaussian(target.bandwidth)
    return SCALE * (_mean_of_others(x, kernel) + target.own - 2 * _mean(x, target.rows, kernel))


def polynomial_distance(generated: Float[np.ndarray, "n dim"], reference: Float[np.ndarray, "m _"]) -> float:
    """Return the unbiased MMD^2 with the kernel (x.y / dim + 1)^3 (Binkowski et al. 2018, "Demystifying MMD GANs": KID).

    Raises:
        EvaluationError: fewer than two rows, different widths, or values that are not finite.
    """
    x, y = check_rows(generated, reference, least=2)

    def kernel(a: Rows, b: Rows) -> np.ndarray:
        return np.asarray((a @ b.T / a.shape[1] + 1) ** 3)

    return _mean_of_others(x, kernel) + _mean_of_others(y, kernel) - 2 * _mean(x, y, kernel)


def median_distance(rows: Float[np.ndarray, "n dim"]) -> float:
    """Return the median Euclidean distance between different rows.

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


def _gaussian(width: float) -> Kernel:
    return lambda a, b: np.exp(_squared_distances(a, b) / (-2 * width**2))


def _mean_of_others(x: Rows, kernel: Kernel) -> float:
    """Return the mean of the kernel over pairs of different rows of one set."""
    total = 0.0
    for start in range(0, len(x), BLOCK):
        values = kernel(x[start : start + BLOCK], x)
        total += float(values.sum() - np.diagonal(values, start).sum())
    return total / (len(x) * (len(x) - 1))


def _mean(x: Rows, y: Rows, kernel: Kernel) -> float:
    total = sum(kernel(x[start : start + BLOCK], y).sum() for start in range(0, len(x), BLOCK))
    return float(total) / (len(x) * len(y))
