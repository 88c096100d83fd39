"""The Hann window, triangular filters and two mel scales (HTK and Slaney)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Float64

__all__ = ["hann", "htk_mel", "slaney_hertz", "slaney_mel", "triangles"]

LINEAR, KNEE, STEP = 200 / 3, 1000.0, np.log(6.4) / 27
"""Slaney's scale: hertz per mel below the knee, the knee in hertz, and the logarithmic step per mel above it."""


@lru_cache(maxsize=8)
def hann(size: int) -> Float64[np.ndarray, " size"]:
    """Return the periodic Hann window, shared and read-only."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    window.flags.writeable = False
    return np.asarray(window)


def triangles(
    edges: Float[np.ndarray, " corners"], points: Float[np.ndarray, " points"]
) -> Float[np.ndarray, "rows points"]:
    """Return weights of overlapping triangles: 0 at an edge, 1 at the next, 0 at the one after.

    Args:
        edges: increasing corner positions, on any scale.
        points: positions of the weights, on the same scale.
    """
    rising = (points - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - points) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rising, falling))


def htk_mel(hertz: Float[np.ndarray, " n"] | float) -> Float[np.ndarray, " n"]:
    """Convert hertz to the mels of HTK and Kaldi: 1127 ln(1 + f / 700)."""
    return np.asarray(1127 * np.log1p(np.asarray(hertz) / 700))


def slaney_mel(hertz: float) -> float:
    """Convert hertz to the mels of Slaney's Auditory Toolbox (1998): linear below 1 kHz, logarithmic above."""
    return hertz / LINEAR if hertz < KNEE else KNEE / LINEAR + float(np.log(hertz / KNEE)) / STEP


def slaney_hertz(mels: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Convert mels to hertz, the inverse of :func:`slaney_mel`."""
    return np.where(mels < KNEE / LINEAR, mels * LINEAR, KNEE * np.exp(STEP * (mels - KNEE / LINEAR)))
