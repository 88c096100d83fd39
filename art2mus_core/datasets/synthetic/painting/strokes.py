"""Paintings of visible strokes: brush strokes along a flow, dots, swirling night skies; and repainting in strokes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .canvas import Canvas, fractal, look_up
from .palette import Mood, Palette

__all__ = ["flow", "night_sky", "points", "repaint"]

_FIELD = 48  # cells of a direction field


def _directions(rng: np.random.Generator, wild: float) -> Float[np.ndarray, "48 48"]:
    """Smoothly varying angles of brush strokes on the canvas."""
    return rng.uniform(0, 2 * np.pi) + wild * fractal(rng, int(rng.integers(1, 4)), 2, _FIELD, _FIELD)


def _swirls(rng: np.random.Generator, centres: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "48 48"]:
    """Angles of strokes around centres (x, y, radius), and across the canvas elsewhere."""
    axis = (np.arange(_FIELD) + 0.5) / _FIELD
    x, y = np.meshgrid(axis, axis)
    wave = 0.5 * fractal(rng, 2, 2, _FIELD, _FIELD)
    east, south = np.cos(wave), np.sin(wave)
    for centre_x, centre_y, radius in centres:
        away_x, away_y = x - centre_x, y - centre_y
        near = 3 * np.exp(-(away_x**2 + away_y**2) / (2 * radius**2))
        length = np.hypot(away_x, away_y) + 1e-3
        east, south = east - near * away_y / length, south + near * away_x / length
    return np.arctan2(south, east)


def _paths(
    field: Float[np.ndarray, "48 48"], starts: Float[np.ndarray, "n 2"], length: float, steps: int
) -> Float[np.ndarray, "n steps 2"]:
    """Short paths that follow the field from each start."""
    places, here = [starts], starts
    for _ in range(steps - 1):
        angle = look_up(field, here[:, 0], here[:, 1])
        here = here + np.stack([np.cos(angle), np.sin(angle)], 1) * (length / (steps - 1))
        places.append(here)
    return np.stack(places, 1)


def _lay(
    canvas: Canvas,
    rng: np.random.Generator,
    paths: Float[np.ndarray, "n steps 2"],
    colours: Float[np.ndarray, "n 3"],
    thickness: float,
) -> None:
    """Paint strokes of slightly uneven width."""
    widths = np.maximum(np.round(thickness * canvas.unit * rng.uniform(0.6, 1.3, len(paths))), 1).astype(int).tolist()
    pixels = (paths * np.array([canvas.width, canvas.height])).reshape(len(paths), -1).tolist()
    inks = np.clip(colours, 0, 255).astype(int).tolist()
    line = canvas.draw.line
    for path, ink, width in zip(pixels, inks, widths, strict=True):
        line(path, fill=tuple(ink), width=width)


def repaint(canvas: Canvas, rng: np.random.Generator, mood: Mood) -> None:
    """Repaint the picture in strokes of its colours, slightly lighter or darker, as impasto."""
    thickness = 0.01 + 0.035 * mood.coarse
    count = round(min(0.9 / (thickness * thickness * 5), 800))
    starts = rng.uniform(-0.03, 1.0, (count, 2))
    paths = _paths(_directions(rng, rng.uniform(0.2, 1.5)), starts, thickness * rng.uniform(3, 7), 3)
    shade = rng.normal(0, 4 + 44 * mood.rough * mood.contrast, (count, 1)) + rng.normal(0, 4, (count, 3))
    _lay(canvas, rng, paths, canvas.pixels(paths[:, 1]) + shade, thickness)


def flow(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Strokes along a flow field, with slowly changing colours."""
    thickness = 0.008 + 0.04 * mood.coarse**1.5
    count = round(min(1.2 / (thickness * thickness * 6), 900))
    field = _directions(rng, 0.3 + 1.5 * mood.busy)
    starts = rng.uniform(-0.1, 1.05, (count, 2))
    paths = _paths(field, starts, thickness * rng.uniform(4, 9), 4)
    tone = fractal(rng, int(rng.integers(1, 4)), 2, _FIELD, _FIELD)
    place = 0.5 + 0.3 * look_up(tone, starts[:, 0], starts[:, 1]) + rng.normal(0, 0.05 + 0.3 * mood.rough, count)
    canvas.fill(palette.at(0.3))
    _lay(canvas, rng, paths, palette.ramp(place), thickness)


def night_sky(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Swirls of short strokes around lights, above a dark ridge."""
    lights = np.column_stack([rng.random((6, 1)), rng.uniform(0.05, 0.6, (6, 1)), rng.uniform(0.04, 0.14, (6, 1))])
    lights = lights[: int(rng.integers(2, 7))]
    field = _swirls(rng, lights)
    thickness = 0.008 + 0.025 * mood.coarse
    count = round(min(1.3 / (thickness * thickness * 5), 800))
    starts = rng.uniform(-0.05, 1.0, (count, 2))
    paths = _paths(field, starts, thickness * 5, 4)
    glow = np.zeros(count)
    for x, y, radius in lights:
        glow += 1.1 * np.exp(-((starts[:, 0] - x) ** 2 + (starts[:, 1] - y) ** 2) / (0.7 * radius) ** 2)
    canvas.fill(palette.at(0.2))
    _lay(canvas, rng, paths, palette.ramp(0.25 + glow + rng.normal(0, 0.12, count)), thickness)
    for x, y, radius in lights:
        canvas.disc(x, y, radius * 0.35, palette.at(1.0))
    across = np.linspace(0, 1, 20)
    ridge = rng.uniform(0.72, 0.88) + 0.07 * np.sin(across * rng.uniform(3, 9) + rng.uniform(0, 6))
    canvas.polygon(np.column_stack([np.r_[across, 1, 0], np.r_[ridge, 1.05, 1.05]]), palette.at(0.0))


def points(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Dots of pure colour (pointillism) that form large soft shapes."""
    size = 0.006 + 0.02 * mood.coarse
    count = round(min(0.8 / (size * size * 3), 1100))
    tone = fractal(rng, int(rng.integers(1, 4)), 1 + round(mood.busy), _FIELD, _FIELD)
    places = rng.random((count, 2))
    height = 0.5 + 0.35 * look_up(tone, places[:, 0], places[:, 1]) + rng.normal(0, 0.06 + 0.25 * mood.rough, count)
    inks = palette.ramp(height).astype(int).tolist()
    canvas.fill(palette.at(0.5))
    pixels = places * np.array([canvas.width, canvas.height])
    reach = np.maximum(size * canvas.unit * rng.uniform(0.7, 1.2, (count, 1)), 0.7)
    boxes = np.concatenate([pixels - reach, pixels + reach], 1).tolist()
    dot = canvas.draw.ellipse
    for box, ink in zip(boxes, inks, strict=True):
        dot(box, fill=tuple(ink))
