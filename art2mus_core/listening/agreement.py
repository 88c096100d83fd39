"""Intervals and agreement for answers of listeners who each judged some of the pieces."""

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
    """Krippendorff's alpha: 1 for perfect agreement, 0 for what chance would give, negative below that.

    Source: K. Krippendorff, Content Analysis, 4th ed. (2018), chapter 12, computed by the library `krippendorff`.

    Args:
        values: answers.
        listeners: who gave each.
        units: what each was given to; one answer of a listener to a unit.
        level: `ordinal` for scales, `nominal` for choices.

    Returns:
        Alpha, or none where no unit has two answers or all answers are the same: it is not defined then.
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
    """95 % interval of the mean, by resampling listeners and artworks, each with replacement.

    An answer counts as often as its listener times its artwork was drawn, so that the interval speaks of other
    listeners and other artworks. It errs on the wide side (A. Owen, The pigeonhole bootstrap, Annals of Applied
    Statistics 1, 2007).

    Args:
        values: answers.
        listeners: who gave each.
        artworks: what it was given for.
        seed: of the draws.

    Returns:
        Lower and upper end, or none with fewer than two listeners.
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
    """How often the cluster of each answer is drawn; [draws, answers]."""
    names, member = np.unique(clusters, return_inverse=True)
    counts = draw.multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
    return counts[:, member].astype(np.float64)
