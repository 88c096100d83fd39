"""What all figures are drawn on: colours, type, and places for text, bars and axes."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont

from ..placing import check_place, place
from ..types import Artwork

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
    "picture_of",
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
"""Colours of lines and bars, told apart by lightness too."""

Number = int | float
"""Pixels and values; a checker at run time tells the two apart."""

HEAT_ANCHORS = (
    (0.0, (0.0, 0.0, 0.0)),
    (0.1, (0.16, 0.015, -0.04)),
    (0.3, (0.33, 0.09, -0.06)),
    (0.5, (0.51, 0.155, 0.045)),
    (0.7, (0.68, 0.125, 0.115)),
    (0.88, (0.85, 0.02, 0.14)),
    (1.0, (0.98, -0.01, 0.06)),
)
"""Black over violet, red and orange to pale yellow: place and OKLab colour, lightness rising nearly evenly."""

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
    """The type that comes with Pillow."""
    return ImageFont.load_default(size)


@lru_cache(maxsize=1)
def _heat_table() -> np.ndarray:
    """uint8 [256, 3]: the anchors' OKLab colours (Ottosson 2020), straight lines between them, as sRGB."""
    places, colours = zip(*HEAT_ANCHORS, strict=True)
    lab = np.stack([np.interp(np.linspace(0, 1, 256), places, channel) for channel in np.array(colours).T], 1)
    linear = np.clip((lab @ _TO_CONE.T) ** 3 @ _TO_LINEAR.T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(encoded * 255).astype(np.uint8)


def heat(values: Float[np.ndarray, "height width"]) -> Image.Image:
    """Values in 0..1 as colours that grow lighter with them; what lies outside is clamped."""
    index = np.clip(np.nan_to_num(values) * 255 + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(_heat_table()[index])


def sheet(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """An empty sheet and its pen."""
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
    """One line of text; `anchor` as Pillow has it (left, middle, right; ascender, middle, baseline, descender)."""
    pen.text(where, text, fill=colour, font=font(size), anchor=anchor)


def shortened(text: str, size: int, width: Number) -> str:
    """As much of one line as fits into `width` pixels, with an ellipsis if something is missing."""
    line = " ".join(text.split())
    if font(size).getlength(line) <= width:
        return line
    while line and font(size).getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip() + "…"


def picture_of(artwork: Artwork) -> Image.Image:
    """The artwork's pixels."""
    pixels = artwork.pixels.to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()
    return Image.fromarray(pixels)


def fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """The whole picture as large as it fits, its sides' ratio kept; small ones are enlarged."""
    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def ticks(lowest: Number, highest: Number, about: int) -> Sequence[Number]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from `lowest` to `highest`, about so many."""
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
    """Write a picture whole or not at all; the suffix says how: PNG, JPEG or WebP.

    Raises:
        OutputError: unknown suffix, or a place that cannot be written; or, with `no_replace`, a file is there.
    """
    path = Path(path)
    check_place(path, tuple(FORMATS))
    kind = FORMATS[path.suffix.lower()]
    sink = io.BytesIO()
    image.convert("RGB").save(sink, kind, **({} if kind == "PNG" else {"quality": 92}))
    place(path, sink.getvalue(), no_replace=no_replace)
