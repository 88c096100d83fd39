"""Confidence intervals and agreement of listeners who each rated some of the pieces."""

from __future__ import annotations

from typing import Literal

import krippendorff
import numpy as np
from jaxtyping import Float64, Int64

__all__ = ["alpha", "crossed_interval"]

DRAWS = 2000


def alpha(
    values: Float64[np.ndarray, " answers"],
    listeners: Int64[np.ndarray, " answers"],
    units: Int64[np.ndarray, " answers"],
    *,
    level: Literal["ordinal", "nominal"],
) -> float | None:
    """Return Krippendorff's alpha: 1 for perfect agreement, 0 for chance, negative below chance.

    Source: K. Krippendorff, Content Analysis, 4th ed. (2018), chapter 12, computed by the library `krippendorff`.

    Args:
        values: answers.
        listeners: number of the listener of each answer.
        units: number of the rated unit of each answer; a listener answers once for each unit.
        level: `ordinal` for scales, `nominal` for choices.

    Returns:
        Alpha; None, as it is undefined, if no unit has two answers or all answers are equal.
    """
    _, row = np.unique(listeners, return_inverse=True)
    _, column = np.unique(units, return_inverse=True)
    counts = np.bincount(column)
    paired = counts[column] > 1
    if len(np.unique(values[paired])) < 2:
        return None
    table = np.full((row.max() + 1, column.max() + 1), np.nan)
    table[row, column] = values
    return float(krippendorff.alpha(table, level_of_measurement=level))


def crossed_interval(
    values: Float64[np.ndarray, " answers"],
    listeners: Int64[np.ndarray, " answers"],
    artworks: Int64[np.ndarray, " answers"],
    *,
    seed: int,
) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean by resampling listeners and artworks, each with replacement.

    The weight of an answer is the number of draws of its listener times that of its artwork, so the interval holds for other
    listeners and other artworks. It is conservative (A. Owen, The pigeonhole bootstrap, Annals of Applied Statistics 1, 2007).

    Args:
        values: answers.
        listeners: number of the listener of each answer.
        artworks: number of the artwork of each answer.
        seed: seed of the resampling.

    Returns:
        Lower and upper end; None for fewer than two listeners.
    """
    draw = np.random.default_rng(seed)
    weights = _weights(listeners, draw) * _weights(artworks, draw)
    if len(np.unique(listeners)) < 2:
        return None
    total = weights.sum(1)
    drawn = total > 0
    low, high = np.quantile(weights[drawn] @ values / total[drawn], (0.025, 0.975))
    return float(low), float(high)


def _weights(
    clusters: Int64[np.ndarray, " answers"], draw: np.random.Generator
) -> Float64[np.ndarray, "draws answers"]:
    """Return how often the cluster of each answer is drawn, [draws, answers]."""
    names, member = np.unique(clusters, return_inverse=True)
    counts = draw.multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
    return counts[:, member].astype(np.float64)
