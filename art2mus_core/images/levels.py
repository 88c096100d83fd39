"""Finds the white level of samples whose file does not state it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num

__all__ = ["levels"]

OVER_WHITE = 8.0
"""Float samples up to this value are relative to white (1.0), with some overshoot; larger ones are on an 8-bit scale."""


def levels(samples: Num[np.ndarray, "*shape"], depth: int) -> tuple[Float[np.ndarray, "*shape"], float]:
    """Return the samples as floats from 0 to white, and the value of white.

    White is the largest value of the bit depth if any integer is in its upper half, else that of 16 bits; for floats it is 1
    (brighter samples are clipped) or 255. Samples below 0 or above white are stretched from their minimum to their maximum.

    Args:
        samples: all samples of one picture; values that are not finite count as black.
        depth: bits of an integer sample, without its sign.
    """
    values = np.nan_to_num(samples.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    is_float = samples.dtype.kind == "f"
    if is_float:
        white = 255.0 if high > OVER_WHITE else 1.0
    else:
        white = 2.0 ** (depth if high >= 2.0 ** (depth - 1) else min(depth, 16)) - 1
    if low < 0 or (high > white and not (is_float and white == 1.0)):
        return values - low, (high - low) or 1.0
    return np.minimum(values, white), white
