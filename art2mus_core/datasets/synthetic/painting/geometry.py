"""Geometric abstraction: grids, suprematist planes, concentric circles, tubular forms, rosettes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .canvas import Canvas
from .palette import Mood, Palette, as_colour

__all__ = ["circles", "grid", "planes", "rosette", "tubes"]


def grid(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Repeatedly divided rectangles, separated by bars."""
    cells = [(0.0, 0.0, 1.0, 1.0)]
    for _ in range(round(4 + 28 * mood.busy)):
        index = int(rng.integers(len(cells)))
        left, top, right, bottom = cells[index]
        cut = rng.uniform(0.25, 0.75)
        if right - left > bottom - top:
            middle = left + cut * (right - left)
            cells[index] = (left, top, middle, bottom)
            cells.append((middle, top, right, bottom))
        else:
            middle = top + cut * (bottom - top)
            cells[index] = (left, top, right, middle)
            cells.append((left, middle, right, bottom))
    quiet, bar = palette.pick(rng), palette.pick(rng)
    filled = rng.uniform(0.25, 0.9)
    half = 0.003 + 0.012 * mood.coarse
    canvas.fill(bar)
    for left, top, right, bottom in cells:
        colour = palette.pick(rng) if rng.random() < filled else quiet
        canvas.rectangle(
            left + half, top + half, max(right - half, left + half), max(bottom - half, top + half), colour
        )


def _rotation(angle: float) -> Float[np.ndarray, "2 2"]:
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def planes(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Slanting bars, wedges and discs on a plain ground."""
    canvas.fill(palette.pick(rng))
    lean = rng.uniform(0, np.pi)
    for _ in range(round(4 + 26 * mood.busy)):
        x, y = rng.normal(0.5, 0.22, 2)
        size = (0.05 + 0.4 * mood.coarse) * rng.gamma(2, 0.5)
        colour, kind = palette.pick(rng), rng.random()
        if kind < 0.65:
            angle = lean + rng.choice([0, np.pi / 2]) + rng.normal(0, 0.08)
            thick = size * rng.uniform(0.08, 0.6)
            corners = np.array([[-size, -thick], [size, -thick], [size, thick], [-size, thick]]) / 2
            canvas.polygon(corners @ _rotation(angle) + np.array([x, y]), colour)
        elif kind < 0.85:
            canvas.disc(x, y, size * 0.35, colour)
        else:
            canvas.polygon(np.array([x, y]) + rng.normal(0, size * 0.5, (3, 2)), colour)


def circles(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Concentric circles in rows or at random places, with a few straight lines."""
    canvas.fill(palette.pick(rng))
    rings = int(rng.integers(2, 6))
    if rng.random() < 0.5:
        side = round(2 + 5 * (1 - mood.coarse))
        centres = [((i + 0.5) / side, (j + 0.5) / side, 0.5 / side) for i in range(side) for j in range(side)]
        for x, y, half in centres:
            box = half * canvas.unit / canvas.width, half * canvas.unit / canvas.height
            canvas.rectangle(x - box[0], y - box[1], x + box[0], y + box[1], palette.pick(rng))
    else:
        count = round(3 + 16 * mood.busy)
        centres = [(*rng.random(2), (0.04 + 0.25 * mood.coarse) * rng.uniform(0.3, 1.2)) for _ in range(count)]
    for x, y, reach in centres:
        for share in np.sort(rng.uniform(0.1, 1, rings))[::-1]:
            canvas.disc(x, y, reach * share, palette.pick(rng))
    if mood.busy > 0.4 and rng.random() < 0.6:
        for _ in range(round(10 * mood.busy)):
            canvas.line(rng.uniform(-0.1, 1.1, (2, 2)), 0.003 + 0.006 * rng.random(), palette.pick(rng))


def tubes(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Cylinders and cones, shaded from light to dark, with dark edges."""
    canvas.fill(palette.pick(rng))
    for _ in range(round(6 + 22 * mood.busy)):
        x, y = rng.random(2)
        length, girth = (0.12 + 0.3 * mood.coarse) * rng.uniform(0.6, 1.6), (0.06 + 0.14 * mood.coarse)
        angle, taper = rng.uniform(0, np.pi), rng.choice([1.0, 1.0, 0.4])
        base, stripes = palette.colours[int(rng.integers(len(palette)))], 5
        light = 60 + 120 * mood.contrast
        turn = _rotation(angle)
        for index in range(stripes):
            low, high = index / stripes - 0.5, (index + 1) / stripes - 0.5
            corners = np.array(
                [
                    [-length, low * girth],
                    [length, low * girth * taper],
                    [length, high * girth * taper],
                    [-length, high * girth],
                ]
            )
            shade = light * (np.sin(np.pi * (index + 0.7) / stripes) - 0.6)
            canvas.polygon(corners / [2, 1] @ turn + np.array([x, y]), as_colour(base + shade))
        rim = np.array([[-length / 2, -girth / 2], [length / 2, -girth / 2 * taper], [length / 2, girth / 2 * taper]])
        rim = np.concatenate([rim, [[-length / 2, girth / 2]], rim[:1]])
        canvas.line(rim @ turn + np.array([x, y]), 0.004 + 0.006 * mood.coarse, palette[0])


def rosette(canvas: Canvas, rng: np.random.Generator, mood: Mood, palette: Palette) -> None:
    """Rings of petals around the centre, symmetric from left to right."""
    canvas.fill(palette.pick(rng))
    petals = int(rng.integers(3, 8 + round(10 * mood.busy))) * 2
    for reach in np.linspace(0.62, 0.1, round(2 + 4 * (1 - mood.coarse) + 2 * mood.busy)):
        inner, width = reach * rng.uniform(0.3, 0.8), np.pi / petals * rng.uniform(0.5, 1.1)
        colours = (palette.pick(rng), palette.pick(rng))
        for petal in range(petals):
            middle = 2 * np.pi * petal / petals + np.pi / 2
            angles = middle + np.array([0, -width, 0, width])
            radii = np.array([inner * 0.5, (inner + reach) / 2, reach, (inner + reach) / 2])
            points = 0.5 + np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None]
            canvas.polygon(points, colours[petal % 2])
        canvas.disc(0.5, 0.5, inner * 0.6, palette.pick(rng))
