"""Faces, fruit and flowers."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .palette import Mood, Palette, as_colour

__all__ = ["bouquet", "face", "still_life"]


def face(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """A head and shoulders of simple shapes."""
    canvas.fill(palette.pick(rng))
    for _ in range(round(6 * mood.busy)):
        canvas.blob(rng, (rng.random(), rng.random()), rng.uniform(0.05, 0.25), palette.pick(rng), 0.8)
    x, y, size = 0.5 + rng.normal(0, 0.04), rng.uniform(0.38, 0.5), rng.uniform(0.2, 0.34)
    skin, shade, dark = palette.at(rng.uniform(0.4, 1)), palette.at(rng.uniform(0.2, 0.7)), palette.at(0.0)
    canvas.disc(x, 1.12, size * 1.7, palette.pick(rng), 0.9)
    canvas.rectangle(x - size * 0.3, y, x + size * 0.3, 0.95, shade)
    canvas.disc(x, y - size * 0.15, size * 1.08, palette.pick(rng), 1.15)
    canvas.disc(x, y, size * 0.85, skin, rng.uniform(1.1, 1.4))
    if rng.random() < 0.5:
        half = np.linspace(-np.pi / 2, np.pi / 2, 12)
        points = np.array([x, y]) + np.stack([np.cos(half) * 0.85, np.sin(half) * 1.2], 1) * size
        canvas.polygon(points, shade)
    white, iris = palette.at(1.0), palette.pick(rng)
    for side in (-1, 1):
        eye = (x + side * size * 0.36, y - size * 0.15 + rng.normal(0, 0.01))
        canvas.disc(*eye, size * 0.2, white, rng.uniform(0.4, 0.8))
        canvas.disc(*eye, size * 0.1, iris)
        canvas.disc(*eye, size * 0.05, dark)
        brow = np.array([[-0.24, 0.02], [0, -0.06], [0.24, 0.02]]) * size + np.array(eye) - [0, size * 0.24]
        canvas.line(brow, size * 0.06, dark)
    nose = np.array([[0, -0.1], [0.14, 0.4], [-0.02, 0.42]]) * size + np.array([x, y])
    canvas.line(nose, size * 0.05, dark)
    mouth = np.array([[-0.3, 0.7], [0, 0.7 + rng.normal(0, 0.1)], [0.3, 0.7]]) * size + np.array([x, y])
    canvas.line(mouth, size * 0.1, palette.pick(rng))


def still_life(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Fruit and bottles on a table, with shadows and highlights."""
    table = rng.uniform(0.45, 0.7)
    canvas.rows(palette.ramp(np.linspace(rng.random(), rng.random(), 3)), 0.0, table)
    canvas.rows(palette.ramp(np.linspace(rng.random(), rng.random(), 3)), table, 1.0)
    for place in np.sort(rng.uniform(table, 0.95, round(3 + 10 * mood.busy))):
        x, size = rng.uniform(0.08, 0.92), rng.uniform(0.05, 0.09) * (0.7 + 1.3 * mood.coarse)
        base = palette.colours[int(rng.integers(len(palette)))]
        canvas.disc(x + size * 0.4, place + size * 0.1, size * 1.2, palette.at(0.05), 0.3)
        if rng.random() < 0.3:
            body = np.array(
                [[-0.6, 0], [-0.6, -1.6], [-0.2, -2.2], [-0.2, -3], [0.2, -3], [0.2, -2.2], [0.6, -1.6], [0.6, 0]]
            )
            canvas.polygon(body * size + np.array([x, place]), as_colour(base))
            continue
        for share in (1.0, 0.85, 0.65, 0.42, 0.2):
            lift = (1 - share) * (30 + 110 * mood.contrast)
            shade = as_colour(base + lift - 25 * mood.contrast)
            shift = (1 - share) * size * 0.4
            canvas.disc(x - shift, place - size * 0.8 - shift, size * share, shade, 0.95)


def bouquet(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Flowers in a vase in front of a wall."""
    table = rng.uniform(0.7, 0.85)
    canvas.rectangle(0.0, 0.0, 1.0, table, palette.pick(rng))
    canvas.rectangle(0.0, table, 1.0, 1.0, palette.pick(rng))
    heads = np.column_stack([rng.normal(0.5, 0.2, 40), rng.normal(0.36, 0.15, 40)])[: round(4 + 34 * mood.busy)]
    stalk = palette.at(rng.uniform(0.1, 0.5))
    for x, y in heads:
        canvas.line(np.array([[x, y], [0.5 + (x - 0.5) * 0.3, 0.62], [0.5, 0.75]]), 0.006, stalk)
    body = np.array([[-0.1, 0], [-0.16, 0.12], [-0.12, 0.28], [0.12, 0.28], [0.16, 0.12], [0.1, 0]])
    canvas.polygon(body + np.array([0.5, table - 0.2]), palette.pick(rng))
    size = 0.03 + 0.08 * mood.coarse
    for x, y in heads:
        petal, heart, count = palette.pick(rng), palette.pick(rng), int(rng.integers(5, 10))
        reach = size * rng.uniform(0.6, 1.3)
        for angle in np.arange(count) * (2 * np.pi / count) + rng.random():
            canvas.disc(x + 0.65 * reach * np.cos(angle), y + 0.65 * reach * np.sin(angle), reach * 0.42, petal)
        canvas.disc(x, y, reach * 0.4, heart)
