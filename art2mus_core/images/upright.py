"""Any opened picture as upright RGB8 rows: orientation, transparency, depth and colour model."""

from __future__ import annotations

import struct

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageCms, ImageOps

__all__ = ["upright_rgb"]

_AVERAGED = frozenset({"L", "RGB", "RGBX", "RGBA", "LA", "CMYK", "YCbCr", "I", "F"})
_DEEP = frozenset({"I", "F"})


def upright_rgb(image: Image.Image, longest: int) -> UInt8[np.ndarray, "height width 3"]:
    """Upright RGB8 rows of a picture that has been opened, its longer side at most `longest`.

    JPEG files are reduced while they are decoded, everything else right after.
    """
    share = longest / max(image.size)
    if share < 1:
        target = max(round(image.width * share), 1), max(round(image.height * share), 1)
        image.draft(None, target)
    image.load()
    image = _turned(image)
    if share < 1:
        image = _reduced(image, longest)
    return np.asarray(_rgb(image))


def _turned(image: Image.Image) -> Image.Image:
    """The picture as its EXIF orientation asks; damaged EXIF data asks nothing."""
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
    if share >= 1:
        return image
    target = max(round(image.width * share), 1), max(round(image.height * share), 1)
    return image.resize(target, Image.Resampling.HAMMING, reducing_gap=2.0)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in _DEEP:
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        image = ImageCms.profileToProfile(image, *profiles, outputMode="RGB") or image
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _eight_bits(deep: np.ndarray) -> UInt8[np.ndarray, "height width"]:
    """Grey of 16 bits, of 32, or in floating point, scaled to 8 bits without clipping.

    Integers within 0..65535 count as 16-bit; floats within 0..1 as shares of white, within 0..255 as 8-bit; anything
    beyond is stretched from its least to its greatest value.
    """
    values = np.nan_to_num(deep.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    white = 65535.0 if deep.dtype.kind in "iu" else (1.0 if high <= 1 else 255.0)
    if low < 0 or high > white:
        values, white = values - low, (high - low) or 1.0
    return np.rint(values * 255 / white).astype(np.uint8)
