"""A canvas in unit coordinates, and smooth noise: both independent of the size in pixels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, Shaped
from PIL import Image, ImageDraw, ImageFilter

from .palette import Colour

__all__ = ["Canvas", "fractal", "look_up", "noise"]

_FINER = 2  # factor of supersampling


def noise(
    rng: np.random.Generator, cells: tuple[int, int], width: int, height: int
) -> Float32[np.ndarray, "height width"]:
    """Smooth Gaussian noise of about unit standard deviation, with `cells` = (across, down) grid cells."""
    grid = rng.standard_normal((cells[1] + 3, cells[0] + 3), np.float32)
    box = (1.0, 1.0, cells[0] + 2.0, cells[1] + 2.0)
    return np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC, box=box))


def fractal(
    rng: np.random.Generator, cells: int, octaves: int, width: int, height: int
) -> Float32[np.ndarray, "height width"]:
    """A sum of noises, each with twice the frequency and half the amplitude of the one before."""
    total = noise(rng, (cells, cells), width, height).copy()
    for octave in range(1, octaves):
        finer = cells * 2**octave
        total += noise(rng, (finer, finer), width, height) * np.float32(0.5**octave)
    return total


def look_up(
    field: Shaped[np.ndarray, "height width *c"], x: Float[np.ndarray, "*n"], y: Float[np.ndarray, "*n"]
) -> Shaped[np.ndarray, "*values"]:
    """Values of a field at unit coordinates, from the nearest cells."""
    height, width = field.shape[:2]
    column = np.clip((x * width).astype(np.int32), 0, width - 1)
    row = np.clip((y * height).astype(np.int32), 0, height - 1)
    return field[row, column]


class Canvas:
    """A canvas. Positions are fractions of width and height, lengths are fractions of the shorter side."""

    def __init__(self, width: int, height: int, ground: Colour) -> None:
        self.width, self.height = width * _FINER, height * _FINER
        self.unit = min(self.width, self.height)
        self.image = Image.new("RGB", (self.width, self.height), ground)
        self.draw = ImageDraw.Draw(self.image)
        self._scale = np.array([self.width, self.height], float)

    def finish(self) -> Image.Image:
        """The picture at its final size."""
        return self.image.reduce(_FINER)

    def place(self, image: Image.Image) -> None:
        """Replace the picture by another of the same size."""
        self.image = image
        self.draw = ImageDraw.Draw(image)

    def flat(self, points: Float[np.ndarray, "n 2"]) -> list[float]:
        """Unit points as Pillow's flat list of pixels."""
        return (points * self._scale).ravel().tolist()

    def polygon(self, points: Float[np.ndarray, "n 2"], colour: Colour) -> None:
        self.draw.polygon(self.flat(points), fill=colour)

    def line(self, points: Float[np.ndarray, "n 2"], thickness: float, colour: Colour) -> None:
        self.draw.line(self.flat(points), fill=colour, width=max(round(thickness * self.unit), 1))

    def fill(self, colour: Colour) -> None:
        """Fill the canvas with one colour."""
        self.image.paste(colour, (0, 0, self.width, self.height))

    def rectangle(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        box = (left * self.width, top * self.height, right * self.width, bottom * self.height)
        self.draw.rectangle(box, fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour, squash: float = 1.0) -> None:
        """A filled ellipse, `squash` times as high as it is wide."""
        across, down = radius * self.unit, radius * self.unit * squash
        x, y = x * self.width, y * self.height
        self.draw.ellipse((x - across, y - down, x + across, y + down), fill=colour)

    def blob(
        self, rng: np.random.Generator, place: tuple[float, float], radius: float, colour: Colour, wild: float
    ) -> None:
        """A round shape with an uneven outline; `wild` 0 is a disc."""
        angle = np.arange(24) * (2 * np.pi / 24)
        reach = np.full(24, radius)
        for turns in (2, 3, 5):
            reach = reach * (1 + wild * rng.normal(0, 0.4 / turns) * np.cos(turns * angle + rng.uniform(0, 6.28)))
        aspect = np.array([self.unit / self.width, self.unit / self.height])
        self.polygon(np.array(place) + np.stack([np.cos(angle), np.sin(angle)], 1) * reach[:, None] * aspect, colour)

    def rows(self, colours: Float[np.ndarray, "n 3"], top: float = 0.0, bottom: float = 1.0) -> None:
        """A vertical gradient through the colours (0..255) between two heights."""
        first, last = round(top * self.height), round(bottom * self.height)
        if last <= first:
            return
        strip = Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8)[:, None])
        box = (0.0, 0.0, 1.0, float(len(colours)))
        self.image.paste(strip.resize((self.width, last - first), Image.Resampling.BILINEAR, box=box), (0, first))

    def soften(self, radius: float) -> None:
        """Blur the picture."""
        self.place(self.image.filter(ImageFilter.BoxBlur(float(radius) * self.unit)))

    def pixels(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 3"]:
        """Colours (0..255) at unit points."""
        return look_up(np.asarray(self.image), points[:, 0], points[:, 1]).astype(float)
