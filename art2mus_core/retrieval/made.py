"""Made embeddings of artworks and music with hubs, to test and to measure without data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

__all__ = ["Made", "made_pairs"]

SHARED = 64
"""Dimensions in which an artwork and its music agree."""


class Made(NamedTuple):
    """Unit vectors; row i of both belongs together."""

    artworks: Float32[np.ndarray, "n width"]
    music: Float32[np.ndarray, "n width"]


def made_pairs(
    count: int, width: int, seed: int, *, agreement: float = 0.5, lean: float = 0.8, noise: float = 0.7
) -> Made:
    """Draw pairs as two encoders of one space would embed them: alike in part, apart by modality, and with hubs.

    Each pair has a normal vector in 64 dimensions; either side mixes it with one of its own and adds the mean of its modality and noise
    in all dimensions. Music that happens to point to the artworks' mean is near to all of them: the hubs of cross-modal spaces
    (Dinu, Lazaridou and Baroni 2015; Liang et al. 2022, "Mind the Gap").

    Args:
        count: number of pairs.
        width: numbers of a vector, at least 64.
        seed: of all random numbers.
        agreement: correlation of the two sides of a pair in the shared dimensions.
        lean: length of the modalities' means, relative to the vectors' spread.
        noise: length of the noise, relative to the vectors' spread.
    """
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(width, SHARED)))[0].T.astype(np.float32)
    common = rng.normal(size=(count, SHARED)).astype(np.float32)
    sides = []
    for _ in range(2):
        own = rng.standard_normal((count, SHARED), dtype=np.float32)
        mean = rng.normal(size=SHARED).astype(np.float32)
        inner = (
            np.float32(np.sqrt(agreement)) * common + np.float32(np.sqrt(1 - agreement)) * own + np.float32(lean) * mean
        )
        rows = rng.standard_normal((count, width), dtype=np.float32)
        rows *= np.float32(noise * np.sqrt(SHARED / width))
        rows += inner @ basis
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        sides.append(rows)
    return Made(*sides)
