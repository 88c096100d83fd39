"""Paint a picture: draw mood, palette and style from the seed, compose, and add a surface."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32
from PIL import Image, ImageOps

from ....errors import SettingError
from ....images.reading import artwork_from_array
from ....types import Artwork
from . import abstracts, figures, geometry, land, strokes, water
from .canvas import Canvas
from .palette import Mood, Palette, draw_mood, draw_palette
from .surface import finish

__all__ = ["STYLES", "paint", "paint_square"]

Style = Callable[[Canvas, np.random.Generator, Mood, Palette], None]

STYLES: dict[str, Style] = {
    "colour_field": abstracts.colour_field,
    "stripes": abstracts.stripes,
    "veils": abstracts.veils,
    "weave": abstracts.weave,
    "splatter": abstracts.splatter,
    "flow": strokes.flow,
    "night_sky": strokes.night_sky,
    "points": strokes.points,
    "grid": geometry.grid,
    "planes": geometry.planes,
    "circles": geometry.circles,
    "tubes": geometry.tubes,
    "rosette": geometry.rosette,
    "hills": land.hills,
    "forest": land.forest,
    "village": land.village,
    "ink": land.ink,
    "sea": water.sea,
    "waves": water.waves,
    "face": figures.face,
    "still_life": figures.still_life,
    "bouquet": figures.bouquet,
}
"""The styles by name."""

_MARKS = frozenset({"flow", "night_sky", "points", "splatter"})  # styles that consist of strokes
_TURNABLE = frozenset({"flow", "points", "splatter", "veils", "circles", "planes", "tubes"})


def paint(seed: int, size: int = 128, aspect: float = 1.0) -> Artwork:
    """Paint the picture of a seed.

    Args:
        seed: an integer of 0 or more.
        size: the longer side in pixels.
        aspect: width divided by height.

    Raises:
        SettingError: a negative seed, a size below 1 or an aspect outside 0.1 to 10.
    """
    if seed < 0:
        raise SettingError(f"seed {seed}", "an integer of 0 or more", "Choose another seed.")
    if size < 1 or not 0.1 <= aspect <= 10:
        raise SettingError(f"size {size}, aspect {aspect}", "a size from 1, an aspect of 0.1 to 10", "Change them.")
    width, height = max(round(size * min(aspect, 1)), 1), max(round(size / max(aspect, 1)), 1)
    return artwork_from_array(np.asarray(_painted(seed, width, height)), f"painting_{seed}")


def paint_square(seed: int, side: int = 128) -> Float32[np.ndarray, "3 side side"]:
    """The square painting of a seed as sRGB values in 0..1, for :func:`art2mus_core.measure.pictures.measure_square`."""
    rows = np.asarray(_painted(seed, side, side), np.float32) / np.float32(255)
    return np.ascontiguousarray(rows.transpose(2, 0, 1))


def _painted(seed: int, width: int, height: int) -> Image.Image:
    rng = np.random.Generator(np.random.PCG64(seed))
    mood = draw_mood(rng)
    palette = draw_palette(rng, mood)
    canvas = Canvas(width, height, palette[len(palette) // 2])
    marks = _compose(canvas, rng, mood, palette)
    mixed, mirrored, stroked = rng.random(3)
    if mixed < 0.2:
        other = Canvas(width, height, palette[0])
        marks &= _compose(other, rng, mood, palette)
        canvas.image.paste(other.image, (0, 0), _mask(canvas, rng))
    if mirrored < 0.1:
        left = canvas.image.crop((0, 0, canvas.width // 2, canvas.height))
        canvas.image.paste(ImageOps.mirror(left), (canvas.width - canvas.width // 2, 0))
    if stroked < 0.5 and not marks:
        strokes.repaint(canvas, rng, mood)
    return finish(canvas.finish(), rng, mood)


def _compose(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> bool:
    """Paint in a random style; return whether it consists of brush strokes."""
    name = tuple(STYLES)[rng.integers(len(STYLES))]
    STYLES[name](canvas, rng, mood, palette)
    if rng.random() < 0.3 and name in _TURNABLE:
        canvas.place(ImageOps.flip(canvas.image))
    return name in _MARKS


def _mask(canvas: Canvas, rng: np.random.Generator) -> Image.Image:
    """A mask for a second picture over the first: patches, one half, or a disc in the centre."""
    mask = Canvas(max(canvas.width // 2, 1), max(canvas.height // 2, 1), (0, 0, 0))
    kind, white = int(rng.integers(3)), (255, 255, 255)
    if kind == 0:
        for x, y in rng.random((int(rng.integers(2, 6)), 2)):
            mask.blob(rng, (x, y), rng.uniform(0.1, 0.3), white, 0.8)
    elif kind == 1:
        cut, lean = rng.uniform(0.3, 0.7), rng.normal(0, 0.15)
        mask.polygon(np.array([[cut - lean, 0], [1, 0], [1, 1], [cut + lean, 1]]), white)
    else:
        mask.disc(0.5, 0.5, rng.uniform(0.25, 0.45), white)
    return mask.image.convert("L").resize(canvas.image.size)
