"""Mel-cepstral distance (MCD), plain and after dynamic time warping."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float64, Int

from .spectrograms import mel_filters, power_spectrogram

__all__ = ["WINDOW", "mel_cepstral_distances"]

WINDOW, HOP = 0.032, 0.008
"""Seconds."""

ROWS, FIRST, LAST = 20, 2, 16
"""Mel rows, and the first and last of the compared terms of their cosine transform; term 0 would be the loudness."""


def mel_cepstral_distances(
    a: Float64[np.ndarray, " samples"], b: Float64[np.ndarray, " samples"], rate: int
) -> tuple[float, float]:
    """Return the mean Euclidean distance of two sounds' mel cepstra (Kubichek 1993), plain and along the cheapest path.

    The values equal those of the package `mel-cepstral-distance` with its defaults, `aligning="pad"` and `aligning="dtw",
    dtw_radius=None`: peaks normalised to 1, Hann windows of 32 ms every 8 ms, 20 mel rows up to half the rate, logarithms to
    base 10, terms 2 to 16 of their cosine transform (its `s=1` and `D=16`), no factor of 10 sqrt(2) / ln 10. Loudness and
    spectral tilt are excluded, so the distance need not grow with a low-pass filter. Silent sounds, for which the package
    has no value, stay silent.

    Args:
        a: mono, longer than a window.
        b: mono, as long as `a`.
        rate: sample rate of both in hertz.
    """
    first, second = (_mels(sound, rate, int(WINDOW * rate)) for sound in (a, b))
    path = _cheapest_path(first, second)
    a_cepstra, b_cepstra = first @ _cosines().T, second @ _cosines().T
    plain = np.linalg.norm(a_cepstra - b_cepstra, axis=1).mean()
    warped = np.linalg.norm(a_cepstra[path[:, 0]] - b_cepstra[path[:, 1]], axis=1).mean()
    return float(plain), float(warped)


def _mels(sound: Float64[np.ndarray, " samples"], rate: int, size: int) -> Float64[np.ndarray, "frames rows"]:
    peak = float(np.abs(sound).max())
    filters = mel_filters(rate, size, ROWS, float(rate // 2))
    # the package leaves out the frame that ends with the sound
    power = power_spectrogram(sound[:-1] / (peak or 1.0), np.hanning(size), int(HOP * rate))
    return np.asarray(np.log10(power @ filters.T + np.finfo(np.float64).eps))


@lru_cache(maxsize=1)
def _cosines() -> Float64[np.ndarray, "coefficients rows"]:
    order = np.arange(FIRST, LAST + 1)[:, None]
    return np.asarray(np.cos(order * (np.arange(ROWS) + 0.5) * np.pi / ROWS))


def _cheapest_path(a: Float64[np.ndarray, "n rows"], b: Float64[np.ndarray, "m rows"]) -> Int[np.ndarray, "steps 2"]:
    """Return the pairs of frames on the path with the least sum of Euclidean distances (Sakoe and Chiba 1978).

    Each step advances in `a`, in `b` or in both. All cells of an anti-diagonal are computed at once. Among equally cheap
    steps the order is `a`, `b`, both, as in the package: pairing silence with silence costs nothing, but the order decides
    the number of pairs.
    """
    from scipy.spatial.distance import cdist  # noqa: PLC0415 - scipy is an extra

    costs = cdist(a, b)
    n, m = costs.shape
    flat, before, last = costs.ravel(), np.full(n + 1, np.inf), np.full(n + 1, np.inf)
    last[1] = costs[0, 0]
    for diagonal in range(1, n + m - 1):
        first, end = max(0, diagonal - m + 1), min(n, diagonal + 1)
        cells = slice(diagonal + first * (m - 1), diagonal + (end - 1) * (m - 1) + 1, max(m - 1, 1))
        here = np.full(n + 1, np.inf)
        cheapest = here[first + 1 : end + 1]
        np.minimum(last[first:end], last[first + 1 : end + 1], out=cheapest)
        np.minimum(cheapest, before[first:end], out=cheapest)
        cheapest += flat[cells]
        flat[cells] = cheapest
        before, last = last, here
    i, j = n - 1, m - 1
    path = [(i, j)]
    while i or j:
        ways = [(x, y) for x, y in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if x >= 0 and y >= 0]
        i, j = min(ways, key=costs.__getitem__)
        path.append((i, j))
    return np.array(path[::-1])
