"""What the colours of a picture mean, and the one step from there to sRGB.

Whatever a file says of its colours becomes an ICC profile, and LittleCMS converts. A file that says nothing is sRGB.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from typing import BinaryIO, NamedTuple, TypeVar

import numpy as np
from PIL import Image, ImageCms

from .containers import Nclx, bmp_profile, heif_nclx, jpeg2000_profile, png_chunks
from .hdr import HLG, PQ
from .icc import BT2020, D65, SRGB, XY, code_points, display_profile, from_srgb_curve, is_srgb, profile_space
from .tiff import TiffSamples

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
"""Code points of ITU-T H.273 with other primaries than sRGB's."""

_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
"""Code points of ITU-T H.273 with a power for a curve. Those of television are seen on sRGB's curve, as browsers do."""

_STEEPEST = 10.0
"""Powers beyond which a PNG's gamma is a slip: all would be black, or white."""

Found = TypeVar("Found")

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
_FAILURES = (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError, IndexError, struct.error, OverflowError)


class Colours(NamedTuple):
    """What a file says of its colours.

    Attributes:
        icc: the profile; nothing for sRGB.
        transfer: PQ or HLG, whose light is for bright displays; the profile is then of its primaries.
        note: what is wrong with what it says.
    """

    icc: bytes | None = None
    transfer: int | None = None
    note: str | None = None


def colours_of(image: Image.Image) -> Colours:
    """What an opened picture says of its colours; its pixels are not read, and the place in its file is kept."""
    say = _SAY.get(image.format or "", _embedded)
    file = getattr(image, "fp", None)
    try:
        place = file.tell() if file else 0
        try:
            found = say(image) or _by_exif(image)
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
    return _by_profile(icc) if icc else Colours(note=DAMAGED)  # Pillow found one and could not put it together


def _by_profile(icc: bytes) -> Colours:
    """The tables of a profile for bright displays are for one of them, what else it says is for all."""
    code = code_points(icc)
    return _by_code(Nclx(*code)) if code and code[1] in {PQ, HLG} else Colours(icc)


def _png(image: Image.Image) -> Colours | None:
    """PNG's own order: cICP, iCCP, sRGB, gAMA with cHRM."""
    chunks = png_chunks(image.fp)  # type: ignore[attr-defined]
    if len(code := chunks.get(b"cICP", b"")) == 4:
        return _by_code(Nclx(code[0], code[1]))
    if b"iCCP" in chunks:
        return _embedded(image) or Colours(note=DAMAGED)
    if image.info.get("lost_colours"):
        return Colours(note=DAMAGED)
    if b"sRGB" in chunks or b"gAMA" not in chunks:
        return Colours()
    (gamma,) = struct.unpack(">I", chunks[b"gAMA"])
    corners = struct.unpack(">8I", chunks[b"cHRM"]) if b"cHRM" in chunks else None
    xy = [(corners[i] / 100_000, corners[i + 1] / 100_000) for i in range(0, 8, 2)] if corners else [D65, *SRGB]
    if not 1 / _STEEPEST <= gamma / 100_000 <= _STEEPEST:
        return Colours(note=DAMAGED)
    return _display(xy[1:], xy[0], 100_000 / gamma)


def _display(primaries: Sequence[XY], white: XY, gamma: float) -> Colours:
    """A display by its chromaticities and gamma; 2.2 stands for sRGB's curve where the primaries are sRGB's."""
    alike = np.abs(np.array([*primaries, white]) - np.array([*SRGB, D65])).max() < 0.003
    if alike and abs(1 / gamma - 1 / 2.2) < 0.01:
        return Colours()
    return Colours(display_profile(primaries, white, lambda x: x**gamma))


def _by_code(code: Nclx) -> Colours:
    if code.primaries not in _PRIMARIES and code.transfer not in {*_GAMMAS, PQ, HLG}:
        return Colours()
    primaries, white = _PRIMARIES.get(code.primaries, (SRGB, D65))
    if code.transfer in {PQ, HLG}:
        return Colours(display_profile(primaries, white), code.transfer)
    gamma = _GAMMAS.get(code.transfer)
    return Colours(display_profile(primaries, white, (lambda x: x**gamma) if gamma else from_srgb_curve))


def _heif(image: Image.Image) -> Colours | None:
    if found := _embedded(image):
        return found
    code = _in_file(image, heif_nclx)
    return _by_code(code) if code else None


def _jpeg2000(image: Image.Image) -> Colours | None:
    icc = _in_file(image, jpeg2000_profile)
    return _by_profile(icc) if icc else None


def _bmp(image: Image.Image) -> Colours | None:
    icc = _in_file(image, bmp_profile)
    return _by_profile(icc) if icc else None


def _in_file(image: Image.Image, find: Callable[[BinaryIO], Found]) -> Found | None:
    """What is found in the picture's file, which its reader may have closed."""
    name = getattr(image, "filename", "")
    if not name:
        return None
    with open(name, "rb") as file:  # noqa: PTH123  a name is what Pillow has
        return find(file)


def _tiff(image: Image.Image) -> Colours | None:
    if found := _embedded(image):
        return found
    tags = image.tags if isinstance(image, TiffSamples) else image.tag_v2  # type: ignore[attr-defined]
    corners, white, table = (tags.get(tag) for tag in (319, 318, 301))
    if not corners and not table:
        return None
    values = [float(value) for value in corners] if corners else [x for corner in SRGB for x in corner]
    xy = list(zip(values[::2], values[1::2], strict=True))
    centre = (float(white[0]), float(white[1])) if white else D65
    if table and len(table) > 2:
        own = np.array(table[: len(table) // 3] if len(table) % 3 == 0 else table) / 65535
        return Colours(display_profile(xy, centre, lambda x: np.interp(x, np.linspace(0, 1, len(own)), own)))
    return _display(xy, (centre[0], centre[1]), 2.2)


def _by_exif(image: Image.Image) -> Colours | None:
    """Cameras that write no profile name Adobe RGB by their files' interoperability (DCF 2.0), or as colour space 2."""
    try:
        exif = image.getexif()
        space, rule = exif.get_ifd(0x8769).get(0xA001), exif.get_ifd(0xA005).get(1, "")
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, AttributeError, struct.error):
        return None
    if space == 2 or str(rule).startswith("R03"):
        return Colours(display_profile(ADOBE_RGB, D65, lambda x: x ** (563 / 256)))
    return None


_SAY: dict[str, Callable[[Image.Image], Colours | None]] = {
    "AVIF": _heif,
    "BMP": _bmp,
    "HEIF": _heif,
    "JPEG2000": _jpeg2000,
    "PNG": _png,
    "TIFF": _tiff,
}
"""Formats that say it in ways of their own."""


def _is_grey(image: Image.Image) -> bool:
    """Whether a picture is grey, however it is kept; Pillow keeps grey of 16 bits with transparency as colours."""
    if image.mode in {"1", "LA", "La"}:
        return True
    red, green, blue = np.moveaxis(np.asarray(image.convert("RGB")), -1, 0)
    return bool((red == green).all() and (red == blue).all())


def to_srgb(image: Image.Image, icc: bytes) -> tuple[Image.Image, str | None]:
    """The picture in sRGB (mode RGB or RGBA), or as it came with a note on why not.

    Relative colorimetric with black point compensation. The picture has 8 bits a channel; its transparency is kept.
    """
    space = profile_space(icc)
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    if image.mode in {"P", "PA", "YCbCr", "RGBA", "RGBX", "1", "LA", "La", "RGBa"} or (
        (space, image.mode) in {("RGB", "L"), ("GRAY", "RGB")}
    ):
        image = image.convert("L" if space == "GRAY" and _is_grey(image) else "RGB")
    if _MODES.get(space) != image.mode:
        return image, f"its colour profile is for {space} and does not fit a picture in {image.mode}: it was ignored"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        converted = ImageCms.applyTransform(
            image,
            ImageCms.buildTransform(
                source,
                ImageCms.createProfile("sRGB"),
                image.mode,
                "RGB",
                ImageCms.Intent.RELATIVE_COLORIMETRIC,
                ImageCms.Flags.BLACKPOINTCOMPENSATION,
            ),
        )
    except ImportError:
        return image, NO_CONVERTER
    except _FAILURES:
        return image, DAMAGED
    if converted is None:
        return image, DAMAGED
    if alpha is not None:
        converted.putalpha(alpha)
    return converted, None
