"""Landscapes: hills, forests, villages, and mountains in ink."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, fractal
from .palette import Mood, Palette
from .skies import below, ridge, sky

__all__ = ["forest", "hills", "ink", "village"]


def hills(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Several ridges below a sky, with trees or houses in front."""
    horizon = rng.uniform(0.3, 0.7)
    sky(canvas, rng, mood, palette, horizon + 0.1)
    layers = round(2 + 5 * mood.busy)
    order = np.linspace(rng.uniform(0, 1), rng.uniform(0, 1), layers) + rng.normal(0, 0.1, layers)
    for index, tone in enumerate(order):
        level = horizon + (1 - horizon) * index / layers
        canvas.polygon(below(level + 0.05 * ridge(rng, mood.rough)), palette.at(tone))
    for _ in range(round(rng.integers(0, 4) + 14 * mood.busy * (1 - mood.coarse))):
        x, y = rng.random(), rng.uniform(horizon, 1)
        size = (0.03 + 0.12 * (y - horizon)) * rng.uniform(0.6, 1.4)
        if rng.random() < 0.7:
            canvas.line(np.array([[x, y], [x, y - size]]), size * 0.15, palette.at(0.1))
            canvas.blob(rng, (x, y - size * 1.3), size * 0.7, palette.pick(rng), 0.5)
        else:
            canvas.rectangle(x - size / 2, y - size * 0.6, x + size / 2, y, palette.pick(rng))
            roof = np.array([[x - size * 0.6, y - size * 0.6], [x, y - size * 1.1], [x + size * 0.6, y - size * 0.6]])
            canvas.polygon(roof, palette.pick(rng))


def forest(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Rows of trunks with light between them, and leaves as dabs."""
    canvas.rows(palette.ramp(np.linspace(rng.uniform(0.4, 1), rng.uniform(0, 0.7), 4)))
    trunks = round(4 + 26 * (1 - mood.coarse))
    for x, depth in zip(rng.random(trunks), np.sort(rng.random(trunks)), strict=True):
        foot, girth = 0.6 + 0.45 * depth, (0.006 + 0.05 * mood.coarse) * (0.4 + depth)
        lean = rng.normal(0, 0.03)
        bark = palette.at((1 - depth) * rng.uniform(0.2, 0.7))
        canvas.line(np.array([[x, foot], [x + lean, 0.5], [x + 2 * lean, -0.05]]), girth, bark)
        for _ in range(round(4 * mood.busy)):
            start, side = rng.uniform(0.05, 0.5), rng.choice([-1, 1]) * rng.uniform(0.04, 0.14)
            canvas.line(np.array([[x + lean, start], [x + lean + side, start - abs(side)]]), girth * 0.35, bark)
    size = 0.008 + 0.03 * mood.coarse
    leaves = round(40 + 320 * mood.busy)
    places = np.column_stack([rng.random(leaves), rng.beta(1, 2.2, leaves)])
    for (x, y), tone in zip(places, rng.random(leaves), strict=True):
        canvas.disc(x, y, size, palette.at(tone), 0.6)


def village(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Houses on a slope, with windows."""
    top = rng.uniform(0.15, 0.45)
    sky(canvas, rng, mood, palette, top + 0.15)
    canvas.polygon(below(top + 0.1 + 0.04 * ridge(rng, mood.rough)), palette.pick(rng))
    size = 0.06 + 0.16 * mood.coarse
    for y in np.sort(rng.uniform(top + 0.12, 1.1, round(5 + 40 * mood.busy))):
        x, wide, high = rng.random(), size * rng.uniform(0.6, 1.4), size * rng.uniform(0.5, 1.3)
        wall, shade, roof = palette.pick(rng), palette.pick(rng), palette.pick(rng)
        canvas.rectangle(x, y - high, x + wide, y, wall)
        canvas.rectangle(x + wide, y - high, x + wide * 1.5, y, shade)
        tip = y - high - size * rng.uniform(0.2, 0.6)
        canvas.polygon(np.array([[x, y - high], [x + wide / 2, tip], [x + wide, y - high]]), wall)
        slope = np.array(
            [[x + wide / 2, tip], [x + wide * 1.15, tip], [x + wide * 1.55, y - high], [x + wide, y - high]]
        )
        canvas.polygon(slope, roof)
        pane = palette.at(rng.choice([0.0, 1.0]))
        for column in range(2):
            left = x + wide * (0.2 + 0.4 * column)
            canvas.rectangle(left, y - high * 0.75, left + wide * 0.18, y - high * 0.35, pane)


def ink(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Washed mountains in mist, with a few dry strokes."""
    paper = palette.at(1.0)
    canvas.fill(paper)
    for index in range(round(2 + 3 * mood.busy)):
        level, tone = 0.25 + 0.22 * index + rng.normal(0, 0.05), rng.uniform(0, 0.8)
        heights = level + 0.09 * ridge(rng, 0.7)
        canvas.polygon(below(heights), palette.at(tone))
        fade = palette.ramp(np.array([0.9, 1.0]))
        canvas.rows(fade, min(level + rng.uniform(0.08, 0.2), 0.99), 1.0)
    canvas.soften(0.002 + 0.02 * mood.coarse * rng.random())
    mist = fractal(rng, 2, 2, 32, 32)
    for _ in range(round(3 + 24 * mood.busy)):
        x, y = rng.random(2)
        if mist[int(y * 32), int(x * 32)] > 0:
            continue
        reach = rng.uniform(0.03, 0.2) * (0.5 + mood.coarse)
        path = np.cumsum(np.r_[[[x, y]], rng.normal(0, reach / 2, (4, 2))], 0)
        canvas.line(path, rng.uniform(0.002, 0.012), palette.at(rng.uniform(0, 0.3)))
