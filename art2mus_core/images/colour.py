"""Reads how a picture's colours are encoded and converts them to sRGB.

Every description of colours becomes an ICC profile, which LittleCMS converts from. A file without one is sRGB.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageCms

from .containers import bmp_profile, heif_code_points, jpeg2000_profile, png_code_points
from .hdr import HLG, PQ
from .icc import BT2020, D65, SRGB, XY, code_points, display_profile, from_srgb_curve, is_srgb, profile_space
from .tiff import TiffSamples
from .tiff_tags import Tag

__all__ = ["Colours", "colours_of", "to_srgb"]

DAMAGED = "its colour profile is damaged and was ignored, so its colours may be off"
NO_CONVERTER = "its colour profile was ignored: this Pillow was built without LittleCMS. Install Pillow from PyPI"

ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
_PRIMARIES = {
    4: (((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), (0.310, 0.316)),
    5: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), D65),
    6: (((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), D65),
    7: (((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), D65),
    9: (BT2020, D65),
    11: (P3, (0.314, 0.351)),
    12: (P3, D65),
    22: (((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)), D65),
}
"""Code points of ITU-T H.273 whose primaries differ from sRGB's, with their white points."""

_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
"""Code points of ITU-T H.273 whose transfer is a power. Television's transfers use sRGB's curve, as browsers do."""

_STEEPEST = 10.0
"""Largest gamma of a PNG that is used; beyond it the picture would be all black or all white, so the value is an error."""

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
_FAILURES = (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError, IndexError, struct.error, OverflowError)


class Colours(NamedTuple):
    """How a picture's colours are encoded.

    Attributes:
        icc: the ICC profile; None for sRGB.
        transfer: PQ or HLG for high dynamic range, whose profile then states the primaries only; else None.
        note: what is wrong with the file's description of its colours, if anything.
    """

    icc: bytes | None = None
    transfer: int | None = None
    note: str | None = None


def colours_of(image: Image.Image) -> Colours:
    """Return the colour encoding of an opened picture. Reads no pixels and keeps the position in the file."""
    read = _READERS.get(image.format or "", _embedded)
    file = getattr(image, "fp", None)
    try:
        place = file.tell() if file else 0
        try:
            found = read(image) or _by_exif(image)
        finally:
            if file:
                file.seek(place)
    except _FAILURES:
        return Colours(note=DAMAGED)
    if found is None or (found.transfer is None and found.icc is not None and is_srgb(found.icc)):
        return Colours()
    if found.icc is not None and not profile_space(found.icc):
        return Colours(note=DAMAGED)
    return found


def _embedded(image: Image.Image) -> Colours | None:
    if "icc_profile" not in image.info:
        return None
    icc = image.info["icc_profile"]
    return _by_profile(icc) if icc else Colours(note=DAMAGED)  # Pillow found one that it could not decompress


def _by_profile(icc: bytes) -> Colours:
    """A profile for HDR maps to one certain display in its tables; its code points are independent of the display."""
    codes = code_points(icc)
    return _by_code(*codes) if codes and codes[1] in {PQ, HLG} else Colours(icc)


def _png(image: Image.Image) -> Colours:
    """PNG's order of precedence: cICP, iCCP, sRGB, gAMA with cHRM."""
    if codes := png_code_points(image.fp):  # type: ignore[attr-defined]
        return _by_code(*codes)
    if found := _embedded(image):
        return found
    if image.info.get("lost_colours"):
        return Colours(note=DAMAGED)
    if "srgb" in image.info or "gamma" not in image.info:
        return Colours()
    gamma = image.info["gamma"]
    if not 1 / _STEEPEST <= gamma <= _STEEPEST:
        return Colours(note=DAMAGED)
    corners = image.info.get("chromaticity")
    white, *primaries = zip(corners[::2], corners[1::2], strict=True) if corners else (D65, *SRGB)
    return _display(primaries, white, 1 / gamma)


def _display(primaries: Sequence[XY], white: XY, gamma: float) -> Colours:
    """Return the profile of a display; with sRGB's primaries, a gamma of 2.2 means sRGB's curve."""
    alike = np.abs(np.array([*primaries, white]) - np.array([*SRGB, D65])).max() < 0.003
    if alike and abs(1 / gamma - 1 / 2.2) < 0.01:
        return Colours()
    return Colours(display_profile(primaries, white, lambda x: x**gamma))


def _by_code(primaries: int, transfer: int) -> Colours:
    if primaries not in _PRIMARIES and transfer not in {*_GAMMAS, PQ, HLG}:
        return Colours()
    corners, white = _PRIMARIES.get(primaries, (SRGB, D65))
    if transfer in {PQ, HLG}:
        return Colours(display_profile(corners, white), transfer)
    gamma = _GAMMAS.get(transfer)
    return Colours(display_profile(corners, white, (lambda x: x**gamma) if gamma else from_srgb_curve))


def _heif(image: Image.Image) -> Colours | None:
    if found := _embedded(image):
        return found
    with Path(image.filename).open("rb") as file:  # type: ignore[attr-defined]
        codes = heif_code_points(file)
    return _by_code(*codes) if codes else None


def _by_profile_in_file(find: Callable[[BinaryIO], bytes | None], image: Image.Image) -> Colours | None:
    with Path(image.filename).open("rb") as file:  # type: ignore[attr-defined]
        icc = find(file)
    return _by_profile(icc) if icc else None


def _tiff(image: Image.Image) -> Colours | None:
    if found := _embedded(image):
        return found
    tags = image.tags if isinstance(image, TiffSamples) else image.tag_v2  # type: ignore[attr-defined]
    corners, white, table = (tags.get(tag) for tag in (Tag.PrimaryChromaticities, Tag.WhitePoint, Tag.TransferFunction))
    if not corners and not table:
        return None
    values = [float(value) for value in corners] if corners else [x for corner in SRGB for x in corner]
    primaries = list(zip(values[::2], values[1::2], strict=True))
    centre = (float(white[0]), float(white[1])) if white else D65
    if table and len(table) > 2:
        curve = np.array(table[: len(table) // 3] if len(table) % 3 == 0 else table) / 65535
        return Colours(display_profile(primaries, centre, lambda x: np.interp(x, np.linspace(0, 1, len(curve)), curve)))
    return _display(primaries, centre, 2.2)


def _by_exif(image: Image.Image) -> Colours | None:
    """Cameras that embed no profile mark Adobe RGB by interoperability rule R03 (DCF 2.0) or by colour space 2."""
    try:
        exif = image.getexif()
        space = exif.get_ifd(Tag.ExifOffset).get(Tag.ColorSpace)
        rule = exif.get_ifd(Tag.ExifInteroperabilityOffset).get(1, "")
    except (*_FAILURES, SyntaxError, AttributeError):
        return None
    if space == 2 or str(rule).startswith("R03"):
        return Colours(display_profile(ADOBE_RGB, D65, lambda x: x ** (563 / 256)))
    return None


_READERS: dict[str, Callable[[Image.Image], Colours | None]] = {
    "AVIF": _heif,
    "BMP": partial(_by_profile_in_file, bmp_profile),
    "HEIF": _heif,
    "JPEG2000": partial(_by_profile_in_file, jpeg2000_profile),
    "PNG": _png,
    "TIFF": _tiff,
}
"""Formats with their own description of colours; the others embed a profile."""


def _is_grey(image: Image.Image) -> bool:
    """Whether all pixels are grey. Pillow opens 16-bit grey with transparency as RGBA."""
    if image.mode in {"1", "LA", "La"}:
        return True
    red, green, blue = np.moveaxis(np.asarray(image.convert("RGB")), -1, 0)
    return bool((red == green).all() and (red == blue).all())


def to_srgb(image: Image.Image, icc: bytes) -> tuple[Image.Image, str | None]:
    """Return the picture in sRGB (mode RGB or RGBA), or unchanged with a note that says why.

    Relative colorimetric with black point compensation, 8 bits a channel; transparency is kept.
    """
    space = profile_space(icc)
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    if image.mode in {"P", "PA", "YCbCr", "RGBA", "RGBX", "1", "LA", "La", "RGBa"} or (
        (space, image.mode) in {("RGB", "L"), ("GRAY", "RGB")}
    ):
        image = image.convert("L" if space == "GRAY" and _is_grey(image) else "RGB")
    if _MODES.get(space) != image.mode:
        return image, f"its colour profile is for {space}, does not match the picture's {image.mode}, and was ignored"
    try:
        converted = ImageCms.profileToProfile(
            image,
            io.BytesIO(icc),
            ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            "RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except ImportError:
        return image, NO_CONVERTER
    except _FAILURES:
        converted = None
    if converted is None:
        return image, DAMAGED
    if alpha is not None:
        converted.putalpha(alpha)
    return converted, None
