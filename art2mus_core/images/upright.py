"""Any opened picture as upright RGB8 rows: orientation, transparency, depth and colour model."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageCms, ImageOps

from .colour import Colours, colours_of, to_srgb
from .depth import deep_rows, on_srgb_curve
from .hdr import tone_mapped
from .levels import levels
from .tiff import TiffSamples

__all__ = ["Seen", "upright_rgb"]

_AVERAGED = frozenset({"L", "RGB", "RGBX", "RGBA", "LA", "CMYK", "YCbCr", "I", "F"})
_DEEP = frozenset({"I", "F"})


class Seen(NamedTuple):
    """A picture as it looks.

    Attributes:
        rows: upright, in sRGB.
        notes: how they had to be read, if there is anything to tell.
    """

    rows: UInt8[np.ndarray, "height width 3"]
    notes: tuple[str, ...]


def upright_rgb(image: Image.Image, longest: int, again: Callable[[], Image.Image]) -> Seen:
    """Upright sRGB rows of a picture that has been opened, its longer side at most `longest`.

    JPEG files are reduced while they are decoded, everything else right after; colours are converted then.

    Args:
        image: the picture.
        longest: pixels.
        again: opens it once more.
    """
    colours = colours_of(image)
    share = longest / max(image.size)
    if share < 1:
        target = max(round(image.width * share), 1), max(round(image.height * share), 1)
        image.draft(None, target)
    image, icc = _loaded(image, colours, again)
    image = _turned(image)
    if share < 1:
        image = _reduced(image, longest)
    note = colours.note
    if icc is not None:
        image, note = to_srgb(_eight(image), icc)
    return Seen(np.asarray(_rgb(image)), (note,) if note else ())


def _loaded(image: Image.Image, colours: Colours, again: Callable[[], Image.Image]) -> tuple[Image.Image, bytes | None]:
    """The picture with its pixels, and the profile that they are left to be converted from."""
    icc = colours.icc
    if icc is not None:
        image = TiffSamples.deeper(image)
        deep = deep_rows(image, again)
        eight = None if deep is None else on_srgb_curve(deep, icc, colours.transfer)
        if eight is not None:
            eight[0].info = dict(image.info)
            return eight
    image.load()
    if icc is not None and colours.transfer is not None:
        mapped = Image.fromarray(tone_mapped(np.asarray(image.convert("RGB")), colours.transfer))
        if image.has_transparency_data:
            mapped.putalpha(image.convert("RGBA").getchannel("A"))
        mapped.info = dict(image.info)
        image = mapped
    return image, icc


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


def _eight(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in _DEEP:
        return Image.fromarray(_eight_bits(np.asarray(image)))
    return image


def _rgb(image: Image.Image) -> Image.Image:
    image = _eight(image)
    if image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        image = ImageCms.profileToProfile(image, *profiles, outputMode="RGB") or image
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _eight_bits(deep: np.ndarray) -> UInt8[np.ndarray, "height width"]:
    """Grey of 16 bits, of 32, or in floating point, scaled to 8 bits, see :func:`levels`."""
    values, white = levels(deep, 8 * deep.dtype.itemsize - (deep.dtype.kind == "i"))
    return np.rint(values * 255 / white).astype(np.uint8)
