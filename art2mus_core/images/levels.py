"""What white is, among samples that do not say it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num

__all__ = ["levels"]

OVER_WHITE = 8.0
"""Floats up to this are shares of white, the brightest of them lights or a sharpening's overshoot; beyond they are of 8 bits."""


def levels(samples: Num[np.ndarray, "*shape"], depth: int) -> tuple[Float[np.ndarray, "*shape"], float]:
    """Samples, none below 0, and the value that is white; none is beyond it.

    Whole numbers reach to the end of their depth if one is in its upper half, else to 65,535; floats to 1, where brighter ones
    are white, or to 255. What lies beyond is stretched from the least to the greatest value, and so is what has values below 0.

    Args:
        samples: of one picture; what is not finite counts as black.
        depth: bits of a whole number, without its sign.
    """
    values = np.nan_to_num(samples.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if samples.dtype.kind != "f":
        white = 2.0 ** (depth if high >= 2.0 ** (depth - 1) else min(depth, 16)) - 1
    elif high > OVER_WHITE:
        white = 255.0
    else:
        white = 1.0
        if low >= 0:
            return np.minimum(values, white), white
    if low < 0 or high > white:
        return values - low, (high - low) or 1.0
    return values, white
