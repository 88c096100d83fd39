"""ICC profiles as bytes: builds display profiles from primaries and a curve, and parses them.

A display profile has three curves to linear light and the XYZ of its primaries, adapted to D50 by Bradford's matrix
(ICC.1:2022, 10.6 `curveType`, 10.18 `parametricCurveType`, annex E).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

__all__ = [
    "BT2020",
    "D65",
    "SRGB",
    "XY",
    "code_points",
    "colorants",
    "curves",
    "display_profile",
    "from_srgb_curve",
    "is_srgb",
    "profile_space",
    "to_srgb_curve",
    "with_srgb_curve",
]

XY = Sequence[float]
"""Chromaticity x and y (CIE 1931)."""

D50 = np.array([0.9642, 1.0, 0.8249])
D65: XY = (0.3127, 0.3290)
SRGB: Sequence[XY] = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
BT2020: Sequence[XY] = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))

BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
POINTS = 4096
DEEP = 65536
_ABOUT_SAME_COLORANTS, _ABOUT_SAME_CURVE = 0.005, 4.0 / 255
"""Largest differences from sRGB within which a profile counts as one of its many published copies."""


def from_srgb_curve(encoded: np.ndarray) -> np.ndarray:
    """Decode values on sRGB's curve to linear light, both 0..1 (IEC 61966-2-1)."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((np.maximum(encoded, 0) + 0.055) / 1.055) ** 2.4)


def to_srgb_curve(linear: np.ndarray) -> np.ndarray:
    """Encode linear light on sRGB's curve, clipped to 0..1; the inverse of :func:`from_srgb_curve`."""
    light = np.clip(linear, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def display_profile(
    primaries: Sequence[XY], white: XY = D65, curve: Callable[[np.ndarray], np.ndarray] = from_srgb_curve
) -> bytes:
    """Return the ICC profile of a display.

    Args:
        primaries: chromaticities (x, y) of red, green and blue.
        white: chromaticity (x, y) of the white point.
        curve: from encoded values to linear light, both 0..1.

    Raises:
        ValueError: the chromaticities span no colour space.
    """
    return _profile(_adapted(primaries, white), curve(np.linspace(0, 1, POINTS)))


def _adapted(primaries: Sequence[XY], white: XY) -> Float[np.ndarray, "3 3"]:
    """Return XYZ of the primaries adapted to D50, in columns."""
    corners = np.array([*primaries, white], float)
    if not (np.isfinite(corners).all() and (corners[:, 1] > 1e-6).all()):
        raise ValueError("chromaticities that are not finite or have no luminance")
    xyz = np.stack([corners[:, 0], corners[:, 1], 1 - corners.sum(1)]) / corners[:, 1]
    try:
        matrix = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    except np.linalg.LinAlgError as error:
        raise ValueError("primaries on one line") from error
    gains = (BRADFORD @ D50) / (BRADFORD @ xyz[:, 3])
    return np.linalg.inv(BRADFORD) @ (gains[:, None] * (BRADFORD @ matrix))


def _profile(matrix: Float[np.ndarray, "3 3"], linear: np.ndarray) -> bytes:
    table = np.rint(np.clip(linear, 0, 1) * 65535).astype(">u2")
    curve = struct.pack(">4s4xI", b"curv", len(table)) + table.tobytes()
    curve += bytes(-len(curve) % 4)
    body = {b"wtpt": _xyz(D50), b"rXYZ": _xyz(matrix[:, 0]), b"gXYZ": _xyz(matrix[:, 1]), b"bXYZ": _xyz(matrix[:, 2])}
    start = 128 + 4 + 12 * (len(body) + 3)
    offsets = {name: start + 20 * number for number, name in enumerate(body)}
    shared = start + 20 * len(body)
    index = [struct.pack(">4sII", name, offset, 20) for name, offset in offsets.items()]
    index += [struct.pack(">4sII", name, shared, len(curve)) for name in (b"rTRC", b"gTRC", b"bTRC")]
    head = struct.pack(">I4xI4s4s4s12x4s28x", shared + len(curve), 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    head += _xyz(D50)[8:]
    head += bytes(128 - len(head))
    return head + struct.pack(">I", len(index)) + b"".join(index) + b"".join(body.values()) + curve


def _xyz(values: Sequence[float] | np.ndarray) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(float(value) * 65536) for value in values))


def profile_space(icc: bytes) -> str:
    """Return the colour space of a profile (`RGB`, `GRAY`, `CMYK`, `Lab`, ...), or "" if the bytes are not a profile."""
    return icc[16:20].decode("ascii", "replace").strip() if len(icc) > 128 and icc[36:40] == b"acsp" else ""


def _tags(icc: bytes) -> dict[bytes, bytes]:
    """Return the content of each tag of a profile; {} for a damaged tag table."""
    try:
        (count,) = struct.unpack_from(">I", icc, 128)
        entries = [struct.unpack_from(">4sII", icc, 132 + 12 * number) for number in range(min(count, 100))]
    except struct.error:
        return {}
    return {name: icc[offset : offset + size] for name, offset, size in entries}


def colorants(icc: bytes) -> Float[np.ndarray, "3 3"] | None:
    """Return XYZ of the primaries adapted to D50, in columns; None if the profile has none or has lookup tables."""
    tags = _tags(icc)
    if any(name[:3] == b"A2B" for name in tags):
        return None
    try:
        return np.array([struct.unpack_from(">3i", tags[name], 8) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]).T / 65536
    except (struct.error, KeyError):
        return None


def curves(icc: bytes) -> list[Float[np.ndarray, " levels"]] | None:
    """Return linear light at 65,536 evenly spaced values for each channel (one for grey); None without such curves."""
    if icc[20:24] != b"XYZ ":
        return None  # a grey profile's curve may map to L*
    tags = _tags(icc)
    names = (b"kTRC",) if profile_space(icc) == "GRAY" else (b"rTRC", b"gTRC", b"bTRC")
    try:
        return [_curve(tags[name]) for name in names]
    except (struct.error, KeyError, ValueError, IndexError, ZeroDivisionError):
        return None


def _curve(tag: bytes) -> Float[np.ndarray, " levels"]:
    x = np.linspace(0, 1, DEEP)
    if tag[:4] == b"para":
        kind, *_ = struct.unpack_from(">H", tag, 8)
        values = struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)
        return np.clip(_parametric(kind, [value / 65536 for value in values], x), 0, 1)
    if tag[:4] != b"curv":
        raise ValueError(f"a curve of type {tag[:4]!r}")
    (count,) = struct.unpack_from(">I", tag, 8)
    points = struct.unpack_from(f">{count}H", tag, 12)
    if count == 0:
        return x
    if count == 1:
        return x ** (points[0] / 256)
    return np.interp(x, np.linspace(0, 1, count), np.array(points) / 65535)


def _parametric(kind: int, values: Sequence[float], x: np.ndarray) -> np.ndarray:
    """Evaluate a parametric curve (ICC.1:2022, table 68); every kind is a special case of the last."""
    g, a, b, c, d, e, f = (*values, *(1.0, 0.0, 0.0, 0.0, 0.0, 0.0)[len(values) - 1 :])
    if kind in (1, 2):
        c, d, e, f = 0.0, -b / a, c, c
    return np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)


def code_points(icc: bytes) -> tuple[int, int] | None:
    """Return a profile's code points for primaries and transfer (ITU-T H.273; ICC.1:2022, 10.3 `cicpType`), or None."""
    tag = _tags(icc).get(b"cicp", b"")
    return (tag[8], tag[9]) if len(tag) >= 10 else None


def is_srgb(icc: bytes) -> bool:
    """Whether a profile is sRGB or a near copy, so that pixels need no conversion.

    Display profiles are compared by primaries and curves. Profiles with lookup tables also map the gamut and are compared by
    name.
    """
    if profile_space(icc) != "RGB":
        return False
    matrix, tables = colorants(icc), curves(icc)
    if matrix is None or tables is None:
        name = _tags(icc).get(b"desc", b"").replace(b"\0", b"").decode("latin-1").lower()
        return "srgb" in name and "linear" not in name
    if np.abs(matrix - _adapted(SRGB, D65)).max() > _ABOUT_SAME_COLORANTS:
        return False
    return all(np.abs(to_srgb_curve(each) - np.linspace(0, 1, DEEP)).max() <= _ABOUT_SAME_CURVE for each in tables)


def with_srgb_curve(icc: bytes) -> bytes | None:
    """Return a display profile with its curves replaced by sRGB's; None if it has no primaries."""
    matrix = colorants(icc)
    return None if matrix is None else _profile(matrix, from_srgb_curve(np.linspace(0, 1, POINTS)))
