"""Frechet distance between sets of embeddings: plain, extrapolated to infinite sets, and per song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int

from ...errors import EvaluationError
from .rows import check_rows

__all__ = ["Extrapolation", "Gaussian", "frechet_distance", "frechet_infinity", "frechet_per_song"]

LEAST_FOR_INFINITY = 20
"""Least number of rows for an extrapolation."""

SUBSETS = 15
"""Number of subsets for an extrapolation."""


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution fitted to embeddings.

    Attributes:
        mean: mean of each dimension.
        factor: F with F'F = covariance. Singular values of F keep all digits if the covariance is singular, as for n <= dim;
            square roots of the covariance's eigenvalues lose half of them.
        n: number of embeddings.
    """

    mean: Float64[np.ndarray, " dim"]
    factor: Float64[np.ndarray, "rank dim"]
    n: int

    @classmethod
    def fit(cls, rows: Float[np.ndarray, "n dim"]) -> Gaussian:
        """Fit to at least two embeddings; the covariance is divided by n - 1.

        Raises:
            EvaluationError: fewer than two rows, or values that are not finite.
        """
        return cls._of(*check_rows(rows, least=2))

    @classmethod
    def _of(cls, rows: Float64[np.ndarray, "n dim"]) -> Gaussian:
        mean = rows.mean(0)
        factor = (rows - mean) / np.sqrt(max(len(rows) - 1, 1))
        if len(rows) > rows.shape[1]:
            factor = np.linalg.qr(factor, mode="r")
        return cls(mean, factor, len(rows))


def frechet_distance(a: Float[np.ndarray, "n dim"] | Gaussian, b: Float[np.ndarray, "m _"] | Gaussian) -> float:
    """Return the squared Frechet (2-Wasserstein) distance between normal distributions fitted to two sets of embeddings.

        |mean_a - mean_b|^2 + tr A + tr B - 2 tr (A B)^(1/2)

    For audio embeddings this is FAD (Kilgour et al. 2019, eq. 1). The last trace is the sum of the singular values of
    F_a F_b', where A = F_a'F_a and B = F_b'F_b; this needs no matrix square root and no regularisation.

    Raises:
        EvaluationError: fewer than two rows, different widths, or values that are not finite.
    """
    first, second = (part if isinstance(part, Gaussian) else Gaussian.fit(part) for part in (a, b))
    return _between(first, second)


def _between(a: Gaussian, b: Gaussian) -> float:
    if a.mean.shape != b.mean.shape:
        raise EvaluationError(
            f"embeddings of {len(a.mean)} and of {len(b.mean)} numbers",
            "two sets of one width",
            "Use one embedder for both.",
        )
    apart = np.sum((a.mean - b.mean) ** 2)
    common = np.linalg.svd(a.factor @ b.factor.T, compute_uv=False).sum()
    # for equal sets rounding may give a value below 0
    return max(0.0, float(apart + np.sum(a.factor**2) + np.sum(b.factor**2) - 2 * common))


@dataclass(frozen=True)
class Extrapolation:
    """An estimate of the distance for infinite sets.

    Attributes:
        value: the fitted line at 1/n = 0; noise may give a value below 0.
        r2: share of the distances' variance that the line explains.
        sizes: sizes of the subsets.
        distances: distances of the subsets.
    """

    value: float
    r2: float
    sizes: Int[np.ndarray, " points"]
    distances: Float64[np.ndarray, " points"]


def frechet_infinity(
    rows: Float[np.ndarray, "n dim"],
    reference: Float[np.ndarray, "m _"] | Gaussian,
    *,
    seed: int = 0,
) -> Extrapolation:
    """Estimate FAD for n -> infinity: the distance is linear in 1/n, so a line through subsets of several sizes is fitted.

    Chong and Forsyth 2020 ("Effectively Unbiased FID"); for audio Gui et al. 2023 ("Adapting Frechet Audio Distance for
    Generative Music Evaluation"). Sizes are evenly spaced between a tenth of the rows and all of them; subsets are drawn
    without replacement, so the last point is the plain distance. The law holds for n well above the width: with a low `r2`
    the value means little. The size of the reference is not extrapolated.

    Raises:
        EvaluationError: fewer than 20 rows, or as :func:`frechet_distance`.
    """
    (rows,) = check_rows(rows, least=LEAST_FOR_INFINITY)
    fixed = reference if isinstance(reference, Gaussian) else Gaussian.fit(reference)
    sizes = np.unique(np.linspace(len(rows) // 10, len(rows), SUBSETS).round().astype(int))
    rng = np.random.default_rng(seed)
    subsets = (rows[rng.permutation(len(rows))[:size]] for size in sizes)
    distances = np.array([_between(Gaussian.fit(subset), fixed) for subset in subsets])
    slope, value = np.polyfit(1 / sizes, distances, 1)
    left = np.sum((distances - value - slope / sizes) ** 2)
    whole = np.sum((distances - distances.mean()) ** 2)
    return Extrapolation(float(value), float(1 - left / whole) if whole else 1.0, sizes, distances)


def frechet_per_song(
    songs: Sequence[Float[np.ndarray, "_ dim"]], reference: Float[np.ndarray, "m _"] | Gaussian
) -> Float64[np.ndarray, " songs"]:
    """Return the distance of each song's windows to the reference (per-song FAD, Gui et al. 2023): high for unusual songs.

    A song of one window has no covariance; its distance is |x - mean|^2 + tr B.

    Raises:
        EvaluationError: a song without windows, or as :func:`frechet_distance`.
    """
    fixed = reference if isinstance(reference, Gaussian) else Gaussian.fit(reference)
    return np.array([_between(Gaussian._of(*check_rows(song, least=1)), fixed) for song in songs])  # noqa: SLF001
