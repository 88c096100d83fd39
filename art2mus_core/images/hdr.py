"""Tone mapping of HDR pictures (PQ and HLG, ITU-R BT.2100) to standard dynamic range."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt, UInt8

from .icc import to_srgb_curve

__all__ = ["HLG", "PQ", "tone_mapped"]

PQ, HLG = 16, 18
"""Transfer code points of ITU-T H.273."""

WHITE = 203.0
"""Luminance of diffuse white in cd/m2 (ITU-R BT.2408); highlights are brighter."""

HLG_PEAK, HLG_GAMMA = 1000.0, 1.2
LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)
KNEE = 0.75
"""Linear light below which tone mapping changes nothing."""

ROWS = 256


def _pq(encoded: np.ndarray) -> np.ndarray:
    """Return luminance in cd/m2 (BT.2100, table 4)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    powered = encoded ** (1 / m2)
    return 10_000 * (np.maximum(powered - c1, 0) / (c2 - c3 * powered)) ** (1 / m1)


def _hlg(encoded: np.ndarray) -> np.ndarray:
    """Return scene light, 0..1 (BT.2100, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(encoded <= 0.5, encoded**2 / 3, (np.exp((encoded - c) / a) + b) / 12)


def _light(levels: UInt[np.ndarray, "rows width 3"], transfer: int) -> Float[np.ndarray, "rows width 3"]:
    """Return display light relative to diffuse white."""
    encoded = np.linspace(0, 1, np.iinfo(levels.dtype).max + 1)
    if transfer == PQ:
        return (_pq(encoded) / WHITE).astype(np.float32)[levels]
    scene = _hlg(encoded).astype(np.float32)[levels]
    brightness = np.maximum(scene @ LUMINANCE, 1e-6)[..., None]
    return scene * brightness ** (HLG_GAMMA - 1) * (HLG_PEAK / WHITE)


def tone_mapped(rows: UInt[np.ndarray, "height width 3"], transfer: int) -> UInt8[np.ndarray, "height width 3"]:
    """Convert 8-bit or 16-bit rows to sRGB's curve, with unchanged primaries.

    Nothing is compressed unless the picture has highlights above diffuse white; then light above the knee is compressed so
    that the brightest value becomes white.
    """
    parts = range(0, len(rows), ROWS)
    peak = max(float(_light(rows[start : start + ROWS], transfer).max()) for start in parts)
    mapped = np.empty(rows.shape, np.uint8)
    for start in parts:
        light = _light(rows[start : start + ROWS], transfer)
        if peak > 1:
            light = _compressed(light, peak)
        mapped[start : start + ROWS] = np.rint(to_srgb_curve(light) * 255)
    return mapped


def _compressed(light: np.ndarray, peak: float) -> np.ndarray:
    """Compress light above the knee by Reinhard's extended curve (2002, eq. 4): slope 1 at the knee, 1 at the peak."""
    span = 1 - KNEE
    over, top = np.maximum(light - KNEE, 0) / span, (peak - KNEE) / span
    return np.where(light <= KNEE, light, KNEE + span * over * (1 + over / top**2) / (1 + over))
