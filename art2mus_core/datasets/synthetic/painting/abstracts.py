"""Abstract paintings: colour fields, stripes, veils, weaves and splatter."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .canvas import Canvas
from .palette import Mood, Palette

__all__ = ["colour_field", "splatter", "stripes", "veils", "weave"]


def colour_field(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Blocks with soft edges on a plain ground."""
    canvas.fill(palette.pick(rng))
    blocks = int(rng.integers(2, 4 + round(2 * mood.busy)))
    margin = rng.uniform(0.04, 0.14)
    cuts = np.sort(rng.uniform(0.12, 0.88, blocks - 1))
    edges = np.concatenate([[margin], cuts, [1 - margin]])
    gap = rng.uniform(0.008, 0.03)
    for top, bottom in pairwise(edges):
        if bottom - top < 3 * gap:
            continue
        left, right = margin + rng.normal(0, 0.012), 1 - margin + rng.normal(0, 0.012)
        canvas.rectangle(left, top + gap, right, bottom - gap, palette.pick(rng))
    canvas.soften(rng.uniform(0.004, 0.03) * (0.4 + mood.coarse))


def stripes(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Bands of various widths, straight or slanting."""
    count = round(3 + 40 * mood.busy**2 * (1.2 - mood.coarse))
    widths = rng.gamma(1.5, 1.0, count) + 0.1
    edges = np.concatenate([[0], np.cumsum(widths)]) / widths.sum() * 1.6 - 0.3
    lean = rng.normal(0, 0.15) if rng.random() < 0.5 else 0.0
    upright = rng.random() < 0.5
    for low, high in pairwise(edges):
        corners = np.array([[low, 0], [high, 0], [high + lean, 1], [low + lean, 1]])
        canvas.polygon(corners if upright else corners[:, ::-1], palette.pick(rng))


def veils(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Overlapping poured shapes with soft edges."""
    canvas.fill(palette[int(rng.integers(len(palette)))])
    for _ in range(round(3 + 12 * mood.busy)):
        x, y = rng.uniform(-0.05, 1.05, 2)
        reach = rng.uniform(0.08, 0.2) * (0.6 + 1.4 * mood.coarse)
        canvas.blob(rng, (x, y), reach, palette.pick(rng), 0.9)
    canvas.soften(rng.choice([0.002, 0.008, 0.03]))


def weave(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Checkers, bricks and woven bands."""
    across = round(3 + 22 * (1 - mood.coarse) ** 1.5)
    down = max(round(across * rng.choice([0.5, 1.0, 1.0, 2.0])), 2)
    kind = int(rng.integers(4))
    few = rng.integers(len(palette), size=int(rng.integers(2, 5)))
    loose = 0.25 * mood.busy / across
    for row in range(down):
        for column in range(across):
            index = (row + column) if kind == 0 else int(rng.integers(len(few))) if kind == 1 else row * column + kind
            shift = 0.5 / across if kind == 3 and row % 2 else 0.0
            left, top = column / across - shift + rng.normal(0, loose), row / down + rng.normal(0, loose)
            colour = palette[int(few[index % len(few)])]
            canvas.rectangle(left, top, left + 1 / across + loose, top + 1 / down + loose, colour)
            if kind == 2:
                centre = (left + 0.5 / across, top + 0.5 / down)
                canvas.disc(*centre, 0.3 / max(across, down), palette[int(few[(index + 1) % len(few)])])


def splatter(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Layers of flung lines and drops."""
    canvas.fill(palette.pick(rng))
    thick = 0.002 + 0.012 * mood.coarse**2
    steps = np.linspace(0, 1, 14)
    for _ in range(round(6 + 50 * mood.busy)):
        start, pull = rng.uniform(-0.1, 1.1, 2), rng.normal(0, 0.7, (3, 2))
        curl = rng.uniform(2, 9)
        path = start + np.outer(steps, pull[0]) + np.outer(np.sin(curl * steps), pull[1]) * 0.3
        path += np.outer(np.cos(curl * 1.7 * steps), pull[2]) * 0.15
        canvas.line(path, thick * rng.uniform(0.5, 1.8), palette.pick(rng))
    drops = round(30 + 160 * mood.busy)
    places, sizes = rng.random((drops, 2)), rng.pareto(2.5, drops) * thick * 0.9 + 0.001
    for (x, y), size in zip(places, np.minimum(sizes, 0.06), strict=True):
        canvas.disc(x, y, size, palette.pick(rng))
