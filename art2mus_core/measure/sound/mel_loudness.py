"""The loudness that a mel spectrogram will have as sound, estimated before it is one."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from ...audio.mel import row_hertz, tone_response
from ...types import AudioGrid
from .loudness import BLOCK, STEP, gated_loudness, k_weights

__all__ = ["mel_loudness"]


def mel_loudness(mel: Float[np.ndarray, "frames bins"], grid: AudioGrid) -> float:
    """Return LUFS of one channel, as :func:`~art2mus_core.measure.sound.loudness.integrated_loudness` gates it.

    Each row counts as a part of sines in its middle, by the share of such a sine's power that it hears.
    """
    powers = np.maximum(np.exp(mel) - grid.floor, 0) ** 2 @ _row_powers(grid)
    total = np.concatenate([[0.0], np.cumsum(powers)])
    size, step = (max(1, round(seconds * grid.sample_rate / grid.hop)) for seconds in (BLOCK, STEP))
    size = min(size, len(powers))
    starts = np.arange(0, len(powers) - size + 1, step)
    return gated_loudness((total[starts + size] - total[starts]) / size)


@lru_cache(maxsize=4)
def _row_powers(grid: AudioGrid) -> Float[np.ndarray, " bins"]:
    """Return the K-weighted power of a sine of amplitude 1 in the middle of each row, shared among the rows that hear it."""
    heard = (tone_response(grid) ** 2).sum(1)
    return np.abs(k_weights(row_hertz(grid))) ** 2 / 2 / np.maximum(heard, 1e-12)
