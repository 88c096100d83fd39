"""Moods and palettes: lightness, contrast and colours of a painting, independent of its subject."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

__all__ = ["Colour", "Mood", "Palette", "as_colour", "draw_mood", "draw_palette", "srgb"]

Colour = tuple[int, int, int]

_TO_CONE = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
_HARMONIES = (
    (0.0, 0.15, -0.2, 0.1),
    (0.0, math.pi, 0.2, math.pi - 0.3),
    (0.0, 2 * math.pi / 3, -2 * math.pi / 3, 0.1),
    (0.0, 0.6, -0.6, 0.3),
    (0.0, 0.2, math.pi - 0.5, math.pi + 0.5),
    (0.0, -0.1, 0.05, 0.1),
    (0.0, 1.4, 2.9, -1.5),
    (0.0, 2.2, -1.1, 1.0),
)


@dataclass(frozen=True)
class Mood:
    """The mood of a painting; all values but `hue` and `harmony` are in 0..1.

    Attributes:
        light: overall lightness.
        contrast: difference of light and dark parts.
        chroma: saturation of the colours.
        hue: main hue, an OKLab angle in radians.
        harmony: offsets of the other hues from the main one.
        coarse: size of shapes and strokes.
        busy: number of shapes and strokes.
        rough: visibility of brush strokes, canvas and age.
    """

    light: float
    contrast: float
    chroma: float
    hue: float
    harmony: tuple[float, ...]
    coarse: float
    busy: float
    rough: float


def draw_mood(rng: np.random.Generator) -> Mood:
    """Draw a mood; its values are independent of each other."""
    light, contrast, chroma, turn, coarse, busy, rough = rng.random(7)
    harmony = _HARMONIES[rng.integers(len(_HARMONIES))]
    return Mood(light, contrast, chroma, turn * 2 * math.pi, harmony, coarse, busy, rough)


def srgb(lab: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Convert OKLab colours to sRGB in 0..1; chroma is reduced until a colour is in gamut."""
    chosen = np.zeros_like(lab)
    done = np.zeros(len(lab), bool)
    for share in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0):
        weaker = lab * np.array([1.0, share, share])
        linear = (weaker @ _TO_CONE.T) ** 3 @ _TO_RGB.T
        fits = ~done & ((linear > -1e-3) & (linear < 1 + 1e-3)).all(1)
        chosen[fits] = linear[fits]
        done |= fits
    chosen[~done] = np.clip(lab[~done, :1], 0, 1) ** 3
    chosen = np.clip(chosen, 0, 1)
    return np.where(chosen <= 0.0031308, 12.92 * chosen, 1.055 * chosen ** (1 / 2.4) - 0.055)


def as_colour(values: Float[np.ndarray, " 3"]) -> Colour:
    """Values in 0..255, clipped, as Pillow's colour."""
    red, green, blue = np.clip(values, 0, 255).astype(int).tolist()
    return red, green, blue


@dataclass(frozen=True)
class Palette:
    """The colours of a painting, darkest first: sRGB in 0..255."""

    colours: Float[np.ndarray, "n 3"]

    def __len__(self) -> int:
        return len(self.colours)

    def __getitem__(self, index: int) -> Colour:
        return as_colour(self.colours[index % len(self.colours)])

    def at(self, place: float) -> Colour:
        """A colour between the darkest (0) and the lightest (1)."""
        return as_colour(self.ramp(np.array([place]))[0])

    def ramp(self, places: Float[np.ndarray, " m"]) -> Float[np.ndarray, "m 3"]:
        """Colours between the darkest (0) and the lightest (1), in 0..255."""
        position = np.clip(places, 0, 1) * (len(self.colours) - 1)
        low = np.minimum(position.astype(int), len(self.colours) - 2)
        part = (position - low)[:, None]
        return self.colours[low] * (1 - part) + self.colours[low + 1] * part

    def pick(self, rng: np.random.Generator) -> Colour:
        """A random colour."""
        return self[int(rng.integers(len(self.colours)))]


def draw_palette(rng: np.random.Generator, mood: Mood, count: int = 7) -> Palette:
    """Draw the colours of a mood: lightness around the mood's, hues by its harmony."""
    key = 0.14 + 0.8 * mood.light
    spread = 0.03 + 0.55 * mood.contrast**0.8
    key = min(max(key, 0.06 + 0.6 * spread), 0.96 - 0.7 * spread)  # else all colours may be black or white
    places = np.linspace(-1, 1, count) + rng.normal(0, 0.08, count)
    lightness = np.clip(key + spread * places, 0.06, 0.985)
    offsets = np.array(mood.harmony)[rng.integers(len(mood.harmony), size=count)]
    offsets[rng.random(count) < 0.25] = 0
    hue = mood.hue + offsets + rng.normal(0, 0.12, count)
    chroma = 0.24 * mood.chroma**1.2 * rng.uniform(0.35, 1.25, count)
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], 1)
    return Palette(srgb(lab) * 255)
