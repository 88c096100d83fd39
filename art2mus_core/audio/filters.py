"""Triangular filters, and the two scales of pitch height on which they are laid out."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

__all__ = ["htk_mel", "slaney_hertz", "slaney_mel", "triangles"]

LINEAR, KNEE, STEP = 200 / 3, 1000.0, np.log(6.4) / 27
"""Slaney's scale: hertz a mel below the knee, its hertz, and what a mel adds to the logarithm above."""


def triangles(
    edges: Float[np.ndarray, " corners"], points: Float[np.ndarray, " points"]
) -> Float[np.ndarray, "rows points"]:
    """Weights of triangles that rise from 0 at one edge to 1 at the next and fall to 0 at the one after that.

    Args:
        edges: rising, on any scale.
        points: where the weights are wanted, on the same scale.
    """
    rising = (points - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - points) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rising, falling))


def htk_mel(hertz: Float[np.ndarray, " n"] | float) -> Float[np.ndarray, " n"]:
    """Mels of HTK and Kaldi: 1127 ln(1 + f / 700)."""
    return np.asarray(1127 * np.log1p(np.asarray(hertz) / 700))


def slaney_mel(hertz: float) -> float:
    """Mels of Slaney's Auditory Toolbox (1998): linear below 1 kHz, logarithmic above."""
    return hertz / LINEAR if hertz < KNEE else KNEE / LINEAR + float(np.log(hertz / KNEE)) / STEP


def slaney_hertz(mels: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The inverse of :func:`slaney_mel`."""
    return np.where(mels < KNEE / LINEAR, mels * LINEAR, KNEE * np.exp(STEP * (mels - KNEE / LINEAR)))
