"""Paintings of calm and rough sea."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .palette import Mood, Palette
from .skies import ACROSS, below, ridge, sky

__all__ = ["sea", "waves"]


def sea(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Sky above water with glints, in some pictures with sailing boats."""
    horizon = rng.uniform(0.3, 0.75)
    sky(canvas, rng, mood, palette, horizon)
    places = np.linspace(rng.uniform(0.3, 0.9), rng.uniform(0, 0.6), 4)
    canvas.rows(palette.ramp(places), horizon, 1.0)
    for _ in range(round(10 + 110 * mood.busy)):
        depth = rng.random() ** 1.5
        y, x, reach = horizon + (1 - horizon) * depth, rng.random(), (0.02 + 0.1 * depth) * rng.uniform(0.4, 1.5)
        glint = palette.at(rng.uniform(0, 1))
        canvas.line(np.array([[x - reach, y], [x + reach, y]]), 0.002 + 0.008 * depth * mood.coarse, glint)
    for _ in range(int(rng.integers(0, 4))):
        x, size = rng.uniform(0.05, 0.95), rng.uniform(0.03, 0.16)
        y, hull, sail = horizon + size * 0.2, palette.at(0.0), palette.at(rng.choice([0.9, 0.6, 0.1]))
        canvas.polygon(np.array([[x, y - size * 1.6], [x + size * 0.8, y - size * 0.3], [x, y - size * 0.3]]), sail)
        deck = np.array([[-0.6, -0.22], [0.9, -0.22], [0.6, 0.05], [-0.35, 0.05]]) * size + np.array([x, y])
        canvas.polygon(deck, hull)
        canvas.line(np.array([[x, y], [x, y - size * 1.7]]), 0.004, hull)


def waves(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Rows of waves with foam."""
    top = rng.uniform(0.05, 0.6)
    sky(canvas, rng, mood, palette, top + 0.25)
    rows = round(3 + 9 * (1 - mood.coarse))
    x = np.linspace(0, 1, ACROSS)
    sway = (0.02 + 0.12 * mood.coarse) * rng.uniform(0.5, 1.4)
    for index in range(rows):
        level = top + (1.1 - top) * index / rows
        turns = rng.uniform(1, 3) * (1 + rows / 5)
        crest = np.abs(np.sin(np.pi * turns * x + rng.uniform(0, 6))) ** rng.uniform(0.6, 2)
        heights = level - sway * crest * rng.uniform(0.6, 1.5) + 0.02 * ridge(rng, 0.5)
        canvas.polygon(below(heights), palette.at(rng.uniform(0, 0.7)))
        canvas.line(np.column_stack([x, heights]), 0.004 + 0.012 * mood.coarse, palette.at(rng.uniform(0.8, 1)))
        if mood.busy > 0.3:
            for place in rng.integers(ACROSS, size=round(14 * mood.busy)):
                y = heights[place] + rng.normal(0, 0.02)
                canvas.disc(x[place] + rng.normal(0, 0.01), y, rng.uniform(0.002, 0.01), palette.at(1.0))
