"""Integrated loudness by ITU-R BS.1770-4: K-weighting, blocks of 400 ms, an absolute and a relative gate."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from ...audio.transforms import fast_length

__all__ = ["SILENCE", "block_powers", "gated_loudness", "integrated_loudness", "k_weights"]

SILENCE = -70.0
"""Absolute gate in LUFS; quieter music has this loudness."""

SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
KWEIGHTING_RATE = 48_000
"""The two filters of the recommendation and their sample rate."""

BLOCK, STEP = 0.4, 0.1
"""Seconds."""

WHOLE, STRETCH, RINGING = 30.0, 10.0, 0.5
"""Seconds up to which a piece is filtered at once, those of a longer one that are, and those on either side that its filters reach."""

RELATIVE = 10.0
"""Relative gate in decibels below the mean of the blocks above the absolute gate."""

OFFSET = -0.691
"""Offset by which a full-scale sine of 997 Hz in one channel has -3.01 LUFS."""


def integrated_loudness(samples: Float[np.ndarray, "channels samples"], rate: int) -> float:
    """Return LUFS with weight 1 for all channels; a piece of less than 400 ms is one block."""
    return gated_loudness(block_powers(samples, rate))


def block_powers(samples: Float[np.ndarray, "channels samples"], rate: int) -> Float[np.ndarray, " blocks"]:
    """Return the K-weighted power of each block; a gain multiplies all by its square.

    The filters' frequency response is applied to the spectrum of the whole piece, so it is the same at every rate. A piece longer than
    `WHOLE` seconds has a spectrum for each stretch of it with its surroundings, in which the filters ring out; its powers are those of
    the whole to 1e-4, which is .0004 dB.
    """
    length = samples.shape[-1]
    size = max(1, min(length, round(BLOCK * rate)))
    total = np.zeros(length + 1)
    power = total[1:]
    stretch, around = (length, 0) if length <= WHOLE * rate else (round(STRETCH * rate), round(RINGING * rate))
    for start in range(0, length, stretch):
        stop, first = min(length, start + stretch), max(0, start - around)
        for channel in samples:
            filtered = _filtered(channel[first : stop + around], rate)[start - first : stop - first]
            power[start:stop] += np.square(filtered, out=filtered)
    np.cumsum(power, out=power)
    starts = np.arange(0, length - size + 1, max(1, round(STEP * rate)))
    return (total[starts + size] - total[starts]) / size


def _filtered(samples: Float[np.ndarray, " samples"], rate: int) -> Float[np.ndarray, " samples"]:
    """Samples through both filters; the transform is cyclic, and its end must not ring into the beginning."""
    padded = fast_length(len(samples) + round(STEP * rate))
    spectrum = np.fft.rfft(samples, padded).astype(complex, copy=False)
    spectrum *= _weights(padded, rate)
    return np.fft.irfft(spectrum, padded)[: len(samples)]


def gated_loudness(powers: Float[np.ndarray, " blocks"]) -> float:
    """Return the LUFS of a piece with these powers of its blocks."""
    blocks = np.maximum(powers, 1e-12)
    audible = blocks[_lufs(blocks) > SILENCE]
    if not audible.size:
        return SILENCE
    kept = audible[_lufs(audible) > _lufs(audible.mean()) - RELATIVE]
    return max(SILENCE, float(_lufs(kept.mean())))


@lru_cache(maxsize=4)
def _weights(length: int, rate: int) -> np.ndarray:
    """Return the response at the frequencies of a transform of `length` samples."""
    return k_weights(np.fft.rfftfreq(length, 1 / rate))


def k_weights(hertz: Float[np.ndarray, " frequencies"]) -> np.ndarray:
    """Return the complex response of both filters at some frequencies; above 24 kHz it is that at 24 kHz."""
    turn = np.exp(-2j * np.pi * np.minimum(hertz / KWEIGHTING_RATE, 0.5))
    weights = np.ones(len(turn), complex)
    for upper, lower in (SHELF, HIGH_PASS):
        weights *= np.polyval(upper[::-1], turn) / np.polyval(lower[::-1], turn)
    return weights


def _lufs(power: np.ndarray | float) -> np.ndarray:
    return np.asarray(OFFSET + 10 * np.log10(power))
