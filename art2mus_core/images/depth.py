"""Pictures of 16 bits a channel, which Pillow reads in full depth for grey only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt16
from PIL import Image

from .hdr import tone_mapped
from .icc import curves, profile_space, to_srgb_curve, with_srgb_curve
from .tiff import TiffSamples

__all__ = ["deep_rows", "on_srgb_curve"]

_LOW = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}
"""Pillow's raw mode for the high bytes of a PNG's samples, and that for the low bytes."""


def deep_rows(
    image: Image.Image, again: Callable[[], Image.Image]
) -> UInt16[np.ndarray, "height width channels"] | None:
    """Return the samples of an opened 16-bit picture; None, without reading pixels, for other depths.

    Args:
        image: the picture.
        again: opens it again.
    """
    if isinstance(image, TiffSamples):
        return image.deep()
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)[..., None]
    if image.mode == "I":
        values = np.asarray(image)
        return values.astype(np.uint16)[..., None] if values.min() >= 0 and values.max() < 65536 else None
    tiles = getattr(image, "tile", [])
    if image.format != "PNG" or len(tiles) != 1 or tiles[0][3] not in _LOW:
        return None
    with again() as low:
        codec, box, offset, raw = low.tile[0]  # type: ignore[attr-defined]
        tile = (codec, box, offset, _LOW[raw])
        low.tile = [type(low.tile[0])._make(tile) if hasattr(low.tile[0], "_make") else tile]  # type: ignore[attr-defined]
        return np.asarray(image).astype(np.uint16) << 8 | np.asarray(low)


def on_srgb_curve(
    deep: UInt16[np.ndarray, "height width channels"], icc: bytes, transfer: int | None
) -> tuple[Image.Image, bytes | None] | None:
    """Return the picture in 8 bits on sRGB's curve with a profile of the same primaries; None if `icc` has no curves.

    On sRGB's curve 8 bits show no banding; on others dark tones would.
    """
    colours = 3 if deep.shape[-1] > 2 else 1
    if transfer is not None and colours == 3:
        rows = tone_mapped(deep[..., :3], transfer)
    else:
        tables = curves(icc)
        if tables is None or (profile_space(icc) == "GRAY" and colours == 3):
            return None
        eight = [np.rint(to_srgb_curve(table) * 255).astype(np.uint8) for table in tables]
        rows = np.stack([eight[channel % len(eight)][deep[..., channel]] for channel in range(colours)], -1)
    if deep.shape[-1] > colours:
        rows = np.concatenate([rows, (deep[..., colours:] >> 8).astype(np.uint8)], -1)
    image = Image.fromarray(rows[..., 0] if rows.shape[-1] == 1 else rows)
    return image, with_srgb_curve(icc) if colours == 3 else None
