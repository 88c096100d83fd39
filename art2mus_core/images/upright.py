"""Converts any opened picture to upright RGB8 rows: orientation, transparency, depth and colour model."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image, ImageCms, ImageOps

from .colour import Colours, colours_of, to_srgb
from .hdr import tone_mapped
from .icc import curves, profile_space, to_srgb_curve, with_srgb_curve
from .levels import levels
from .tiff import TiffSamples

__all__ = ["Upright", "upright_rgb"]

_AVERAGED = frozenset({"L", "RGB", "RGBX", "RGBA", "LA", "CMYK", "YCbCr", "I", "F"})
"""Modes that Pillow resizes with a filter."""

_LOW = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}
"""Pillow's raw mode for the high bytes of a PNG's samples, and that for the low bytes."""


class Upright(NamedTuple):
    """A decoded picture.

    Attributes:
        rows: upright, in sRGB.
        notes: what is wrong with the file or had to be guessed.
    """

    rows: UInt8[np.ndarray, "height width 3"]
    notes: tuple[str, ...]


def upright_rgb(image: Image.Image, longest: int, again: Callable[[], Image.Image]) -> Upright:
    """Decode an opened picture to upright sRGB rows, reduced to at most `longest` pixels a side.

    JPEG files are reduced during decoding, others right after it; then colours are converted.

    Args:
        image: the picture.
        longest: pixels.
        again: opens the picture again.
    """
    colours = colours_of(image)
    share = longest / max(image.size)
    if share < 1:
        image.draft(None, _scaled(image, share))
    image, icc = _loaded(image, colours, again)
    image = _turned(image)
    if share < 1:
        image = _reduced(image, longest)
    note = colours.note
    if icc is not None:
        image, note = to_srgb(_eight(image), icc)
    return Upright(np.asarray(_rgb(image)), (note,) if note else ())


def _scaled(image: Image.Image, share: float) -> tuple[int, int]:
    return max(round(image.width * share), 1), max(round(image.height * share), 1)


def _loaded(image: Image.Image, colours: Colours, again: Callable[[], Image.Image]) -> tuple[Image.Image, bytes | None]:
    """Return the decoded picture and the profile it still has to be converted from."""
    icc = colours.icc
    if icc is None:
        image.load()
        return image, None
    image = TiffSamples.deeper(image)
    deep = _deep_rows(image, again)
    converted = None if deep is None else _on_srgb_curve(deep, icc, colours.transfer)
    if converted is None:
        image.load()
        if colours.transfer is None:
            return image, icc
        mapped = Image.fromarray(tone_mapped(np.asarray(image.convert("RGB")), colours.transfer))
        if image.has_transparency_data:
            mapped.putalpha(image.convert("RGBA").getchannel("A"))
        converted = mapped, icc
    converted[0].info = dict(image.info)
    return converted


def _deep_rows(
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


def _on_srgb_curve(
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


def _turned(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; damaged EXIF data count as none."""
    try:
        return ImageOps.exif_transpose(image) or image
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, struct.error):
        return image


def _reduced(image: Image.Image, longest: int) -> Image.Image:
    share = longest / max(image.size)
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode.startswith("I;16"):
        image = image.convert("I")
    elif image.mode not in _AVERAGED or (image.has_transparency_data and image.mode not in {"RGBA", "LA"}):
        image = _rgb(image)
    return image if share >= 1 else image.resize(_scaled(image, share), Image.Resampling.HAMMING, reducing_gap=2.0)


def _eight(image: Image.Image) -> Image.Image:
    """Scale grey of 16 bits, of 32 bits or in floating point to 8 bits, see :func:`levels`."""
    if not (image.mode.startswith("I;16") or image.mode in {"I", "F"}):
        return image
    deep = np.asarray(image)
    values, white = levels(deep, 8 * deep.dtype.itemsize - (deep.dtype.kind == "i"))
    return Image.fromarray(np.rint(values * 255 / white).astype(np.uint8))


def _rgb(image: Image.Image) -> Image.Image:
    image = _eight(image)
    if image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        image = ImageCms.profileToProfile(image, *profiles, outputMode="RGB") or image
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
