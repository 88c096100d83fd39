"""The surface of a painting: bristle marks, canvas or paper, cracks, varnish, dark corners."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from PIL import Image

from .canvas import fractal, noise
from .palette import Mood

__all__ = ["finish"]

Pixels = Float32[np.ndarray, "height width 3"]
Field = Float32[np.ndarray, "height width"]


def finish(image: Image.Image, rng: np.random.Generator, mood: Mood) -> Image.Image:
    """Add a surface to the picture, stronger for rougher moods."""
    pixels = np.asarray(image, np.float32)
    height, width = pixels.shape[:2]
    strength = np.float32((0.15 + 1.3 * mood.rough) * (0.35 + 0.65 * mood.contrast))
    kinds = rng.random(6)
    if kinds[0] < 0.6:
        pixels = _wobble(pixels, rng, 0.004 + 0.012 * mood.rough)
    relief = np.zeros((height, width), np.float32)
    if kinds[1] < 0.85:
        relief += _bristles(rng, mood, width, height) * np.float32(44 * rng.random()) * strength
    if kinds[2] < 0.5:
        relief += _weave(rng, width, height) * np.float32(14 * rng.random()) * strength
    if kinds[3] < 0.5:
        relief += noise(rng, (128, 128), width, height) * np.float32(24 * rng.random()) * strength
    relief += fractal(rng, 3, 2, width, height) * np.float32(8 * rng.random()) * strength
    if kinds[4] < 0.08:
        relief -= _cracks(rng, mood, width, height) * np.float32(rng.uniform(15, 50))
    pixels = pixels + relief[:, :, None]
    if kinds[5] < 0.35:
        pixels = pixels * _corners(width, height, rng.uniform(0.1, 0.45))[:, :, None]
    if rng.random() < 0.15:
        age = np.float32(rng.uniform(0.05, 0.3))
        pixels = pixels * (1 - age * np.array([0.05, 0.2, 0.6], np.float32))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _wobble(pixels: Pixels, rng: np.random.Generator, reach: float) -> Pixels:
    """Displace all points slightly by smooth noise, so that edges look hand-drawn."""
    height, width = pixels.shape[:2]
    cells = int(rng.integers(6, 30))
    across = noise(rng, (cells, cells), width, height) * np.float32(reach * width / (1 + cells / 20))
    down = noise(rng, (cells, cells), width, height) * np.float32(reach * height / (1 + cells / 20))
    column = np.clip(np.arange(width) + np.rint(across).astype(np.int32), 0, width - 1)
    row = np.clip(np.arange(height)[:, None] + np.rint(down).astype(np.int32), 0, height - 1)
    return pixels[row, column]


def _bristles(rng: np.random.Generator, mood: Mood, width: int, height: int) -> Field:
    """Ridges of brush strokes in two directions, mixed by smooth noise."""
    fine = round(30 + 80 * (1 - mood.coarse))
    long = max(fine // int(rng.integers(4, 9)), 3)
    first = noise(rng, (fine, long), width, height)
    second = noise(rng, (long, fine), width, height)
    share = 1 / (1 + np.exp(-6 * noise(rng, (4, 4), width, height)))
    return first * share + second * (1 - share)


def _weave(rng: np.random.Generator, width: int, height: int) -> Field:
    """The threads of a canvas; they fade if they are too fine for the resolution."""
    threads = rng.uniform(28, 110)
    x = np.arange(width, dtype=np.float32) * np.float32(2 * np.pi * threads / max(width, height))
    y = np.arange(height, dtype=np.float32) * np.float32(2 * np.pi * threads / max(width, height))
    fade = float(np.sinc(threads / max(width, height)))
    over = np.sin(x)[None] * np.cos(y / 2)[:, None] + np.cos(x / 2)[None] * np.sin(y)[:, None]
    return (over * np.float32(max(fade, 0.0))).astype(np.float32)


def _cracks(rng: np.random.Generator, mood: Mood, width: int, height: int) -> Field:
    """Thin dark lines where smooth noise changes sign."""
    cells = round(5 + 12 * (1 - mood.coarse))
    lines = np.minimum(
        np.abs(noise(rng, (cells, cells), width, height)), np.abs(noise(rng, (cells, 2 * cells), width, height))
    )
    return np.clip(1 - lines * np.float32(80 / cells), 0, 1)


def _corners(width: int, height: int, depth: float) -> Field:
    """A factor that darkens the corners."""
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    return 1 - np.float32(depth) * (x[None] ** 2 + y[:, None] ** 2) / 2
