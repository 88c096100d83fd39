"""The Frechet distance between sets of embeddings, its limit for endless sets, and a song at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int

from ...errors import EvaluationError
from .rows import check_rows

__all__ = ["Extrapolation", "Gaussian", "frechet_distance", "frechet_infinity", "frechet_per_song"]

LEAST_FOR_INFINITY = 20


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution that was fitted to embeddings.

    Attributes:
        mean: of each of the `dim` numbers.
        factor: F with F'F = covariance. It is kept in the covariance's place because singular values of factors lose
            no digits where the covariance is singular, as it is for n <= dim; square roots of its eigenvalues lose half.
        n: embeddings.
    """

    mean: Float64[np.ndarray, " dim"]
    factor: Float64[np.ndarray, "rank dim"]
    n: int

    @classmethod
    def fit(cls, rows: Float[np.ndarray, "n dim"]) -> Gaussian:
        """To at least two embeddings; covariances are divided by n - 1.

        Raises:
            EvaluationError: fewer than two rows, or values that are not finite.
        """
        (rows,) = check_rows(rows, least=2)
        return cls._of(rows)

    @classmethod
    def _of(cls, rows: Float64[np.ndarray, "n dim"]) -> Gaussian:
        mean = rows.mean(0)
        factor = (rows - mean) / np.sqrt(max(len(rows) - 1, 1))
        if len(rows) > rows.shape[1]:
            factor = np.linalg.qr(factor, mode="r")
        return cls(mean, factor, len(rows))

    @property
    def covariance(self) -> Float64[np.ndarray, "dim dim"]:
        return np.asarray(self.factor.T @ self.factor)


def frechet_distance(a: Float[np.ndarray, "n dim"] | Gaussian, b: Float[np.ndarray, "m _"] | Gaussian) -> float:
    """The squared Frechet (2-Wasserstein) distance between the normal distributions of two sets of embeddings.

        |mean_a - mean_b|^2 + tr A + tr B - 2 tr (A B)^(1/2)

    FAD where the embeddings are of sounds (Kilgour et al. 2019, eq. 1). The last trace is the sum of the singular values
    of F_a F_b', where A = F_a'F_a and B = F_b'F_b: no root of a matrix is taken, and nothing is added to its diagonal.

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
            "Take both from one embedder.",
        )
    apart = np.sum((a.mean - b.mean) ** 2)
    common = np.linalg.svd(a.factor @ b.factor.T, compute_uv=False).sum()
    # the distance of a set to itself is a difference of equal numbers: rounding alone can take it below 0
    return max(0.0, float(apart + np.sum(a.factor**2) + np.sum(b.factor**2) - 2 * common))


@dataclass(frozen=True)
class Extrapolation:
    """What the distance would be for endless sets.

    Attributes:
        value: where the line meets 1/n = 0; noise can take it below 0.
        r2: share of the variance of the distances that the line explains.
        sizes: of the subsets.
        distances: of the subsets.
    """

    value: float
    r2: float
    sizes: Int[np.ndarray, " points"]
    distances: Float64[np.ndarray, " points"]


def frechet_infinity(
    rows: Float[np.ndarray, "n dim"],
    reference: Float[np.ndarray, "m _"] | Gaussian,
    *,
    points: int = 15,
    seed: int = 0,
) -> Extrapolation:
    """FAD for n -> infinity: the distance grows with 1/n, so a line through subsets of several sizes leads there.

    Chong and Forsyth 2020 ("Effectively Unbiased FID"); for sound Gui et al. 2023 ("Adapting Frechet Audio Distance for
    Generative Music Evaluation"). Sizes are evenly spaced between a tenth of the rows and all of them; subsets are drawn
    without replacement, so that the last point is the plain distance. The law holds for n well above the width: where
    `r2` is low, the value means little. The reference's own size is not extrapolated.

    Raises:
        EvaluationError: fewer than 20 rows, fewer than 3 points, or what :func:`frechet_distance` refuses.
    """
    (rows,) = check_rows(rows, least=LEAST_FOR_INFINITY)
    if points < 3:
        raise EvaluationError(f"a line through {points} points", "at least 3", "Ask for more points.")
    fixed = reference if isinstance(reference, Gaussian) else Gaussian.fit(reference)
    sizes = np.unique(np.linspace(len(rows) // 10, len(rows), points).round().astype(int))
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
    """The distance of each song's windows to the reference (Gui et al. 2023, per-song FAD): what is odd has a high one.

    A song of one window is a point: a distribution without spread, whose distance is |x - mean|^2 + tr B.

    Raises:
        EvaluationError: a song without windows, or what :func:`frechet_distance` refuses.
    """
    fixed = reference if isinstance(reference, Gaussian) else Gaussian.fit(reference)
    return np.array([_between(Gaussian._of(*check_rows(song, least=1)), fixed) for song in songs])  # noqa: SLF001
