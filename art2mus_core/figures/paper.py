"""What all figures are drawn on: colours, type, and places for text, bars and axes."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont

from ..images.icc import to_srgb_curve
from ..placing import check_place, place

__all__ = [
    "AXIS",
    "BACKGROUND",
    "FAINT",
    "INK",
    "LINES",
    "SOFT",
    "Number",
    "draw_text",
    "fitted",
    "font",
    "heat",
    "save_image",
    "sheet",
    "shortened",
    "ticks",
]

BACKGROUND = (252, 251, 248)
INK = (38, 36, 34)
SOFT = (112, 108, 102)
AXIS = (176, 171, 163)
FAINT = (232, 229, 223)
LINES = ((196, 78, 49), (44, 104, 158), (88, 140, 72), (134, 86, 160), (204, 150, 42), (60, 146, 150))
"""Colours of lines and bars, which also differ in lightness."""

Number = int | float
"""Pixels and values; type checks at run time distinguish int and float."""

HEAT_ANCHORS = (
    (0.0, (0.0, 0.0, 0.0)),
    (0.1, (0.16, 0.015, -0.04)),
    (0.3, (0.33, 0.09, -0.06)),
    (0.5, (0.51, 0.155, 0.045)),
    (0.7, (0.68, 0.125, 0.115)),
    (0.88, (0.85, 0.02, 0.14)),
    (1.0, (0.98, -0.01, 0.06)),
)
"""Positions and OKLab colours from black over violet, red and orange to pale yellow, with nearly even lightness steps."""

_TO_CONE = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.291485548]]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.707614701],
    ]
)


@lru_cache(maxsize=16)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's bundled font."""
    return ImageFont.load_default(size)


@lru_cache(maxsize=1)
def _heat_table() -> np.ndarray:
    """Return uint8 [256, 3]: the anchors' OKLab colours (Ottosson 2020), interpolated, in sRGB."""
    places, colours = zip(*HEAT_ANCHORS, strict=True)
    lab = np.stack([np.interp(np.linspace(0, 1, 256), places, channel) for channel in np.array(colours).T], 1)
    return np.round(to_srgb_curve((lab @ _TO_CONE.T) ** 3 @ _TO_LINEAR.T) * 255).astype(np.uint8)


def heat(values: Float[np.ndarray, "height width"]) -> Image.Image:
    """Map values in 0..1, clamped, to colours of increasing lightness."""
    index = np.clip(np.nan_to_num(values) * 255 + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(_heat_table()[index])


def sheet(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return an empty sheet and its pen."""
    image = Image.new("RGB", (width, height), BACKGROUND)
    return image, ImageDraw.Draw(image)


def draw_text(
    pen: ImageDraw.ImageDraw,
    where: tuple[Number, Number],
    text: str,
    size: int,
    *,
    anchor: str = "la",
    colour: tuple[int, int, int] = INK,
) -> None:
    """Draw one line of text with Pillow's `anchor` (left, middle, right; ascender, middle, baseline, descender)."""
    pen.text(where, text, fill=colour, font=font(size), anchor=anchor)


def shortened(text: str, size: int, width: Number) -> str:
    """Shorten a text to one line of at most `width` pixels, with an ellipsis if needed."""
    line = " ".join(text.split())
    if font(size).getlength(line) <= width:
        return line
    while line and font(size).getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip() + "…"


def fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """Scale a picture up or down to fit a rectangle, with its aspect ratio."""
    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def ticks(lowest: Number, highest: Number, about: int) -> Sequence[Number]:
    """Return about so many round numbers from `lowest` to `highest`, with steps of 1, 2 or 5 times a power of ten."""
    span = highest - lowest
    if not (math.isfinite(span) and span > 0):
        return [lowest]
    rough = span / max(1, about)
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(lowest / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(highest / step + 1e-9) + 1)]


FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def save_image(image: Image.Image, path: Path | str, *, no_replace: bool = False) -> None:
    """Write a picture completely or not at all, in the format of its suffix: PNG, JPEG or WebP.

    Raises:
        OutputError: an unknown suffix, a path that cannot be written, or an existing file with `no_replace`.
    """
    path = Path(path)
    check_place(path, tuple(FORMATS))
    kind = FORMATS[path.suffix.lower()]
    sink = io.BytesIO()
    image.convert("RGB").save(sink, kind, **({} if kind == "PNG" else {"quality": 92}))
    place(path, sink.getvalue(), no_replace=no_replace)
