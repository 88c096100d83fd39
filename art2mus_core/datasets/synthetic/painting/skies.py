"""Skies and skylines of landscapes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .canvas import Canvas
from .palette import Mood, Palette

__all__ = ["ACROSS", "below", "ridge", "sky"]

ACROSS = 40


def ridge(rng: np.random.Generator, rough: float) -> Float[np.ndarray, " 40"]:
    """A skyline of about unit standard deviation: long waves and, if rough, short ones."""
    x = np.linspace(0, 1, ACROSS)
    line = np.zeros(ACROSS)
    for turns in (1, 2, 4, 7, 12):
        line += rng.normal() / turns ** (1.6 - 0.9 * rough) * np.sin(turns * 2.2 * np.pi * x + rng.uniform(0, 6.3))
    return line


def below(heights: Float[np.ndarray, " n"]) -> Float[np.ndarray, "m 2"]:
    """The polygon below a skyline."""
    x = np.linspace(0, 1, len(heights))
    return np.column_stack([np.r_[x, 1.01, -0.01], np.r_[heights, 1.02, 1.02]])


def sky(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette, horizon: float) -> None:
    """A gradient down to the horizon, in some pictures with a sun or moon and with clouds."""
    places = np.linspace(rng.uniform(0, 1), rng.uniform(0.3, 1), 5) + rng.normal(0, 0.08, 5)
    canvas.rows(palette.ramp(places), 0.0, horizon)
    if rng.random() < 0.6:
        x, y, reach = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9) * horizon, rng.uniform(0.02, 0.09)
        canvas.disc(x, y, reach, palette.at(rng.choice([1.0, 1.0, 0.0])))
    for _ in range(round(rng.integers(0, 3) + 5 * mood.busy)):
        x, y, reach = rng.random(), rng.uniform(0, horizon), rng.uniform(0.05, 0.25)
        colour = palette.at(rng.uniform(0.4, 1))
        for step in rng.normal(0, reach * 0.6, 4):
            canvas.disc(x + step, y + rng.normal(0, 0.01), reach * 0.4, colour, rng.uniform(0.15, 0.45))
