"""Plots of training curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from PIL import Image, ImageDraw

from .paper import AXIS, BACKGROUND, FAINT, LINES, SOFT, Number, draw_text, sheet, shortened, ticks

__all__ = ["draw_curve"]

Points = Sequence[tuple[Number, Number]]


@dataclass(frozen=True)
class _Frame:
    """The plot area in pixels, and the values at its edges."""

    left: Number
    top: Number
    right: Number
    bottom: Number
    x: tuple[Number, Number]
    y: tuple[Number, Number]

    def at(self, x: Number, y: Number) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top)

    def line(self, points: Points) -> list[tuple[float, float]]:
        """Return pixels of points, clipped at the top and the bottom."""
        pixels = [self.at(x, y) for x, y in points]
        return [(x, min(max(y, self.top), self.bottom)) for x, y in pixels]


def draw_curve(
    points: Points,
    *,
    title: str = "",
    others: Mapping[str, Points] | None = None,
    size: tuple[int, int] = (1000, 520),
) -> Image.Image:
    """Draw a line through (x, y) points, without those that are not finite.

    A line of more than 200 points is drawn faintly, with a running mean over a fiftieth of the points on top.

    Args:
        points: points of the line.
        title: title above the plot.
        others: points of further lines, thinner, by the name that is written in their colour.
        size: width and height in pixels.
    """
    kept = _finite(points)
    further = {name: _finite(line) for name, line in (others or {}).items()}
    width, height = size
    text = max(11, round(height / 30))
    image, pen = sheet(width, height)
    frame = _frame([*kept, *(point for line in further.values() for point in line)], width, height, text)
    draw_text(pen, (frame.left, text * 1.1), shortened(title, round(1.3 * text), width * 0.8), round(1.3 * text))
    _axes(pen, frame, text)
    for row, (name, line) in enumerate(further.items()):
        colour = LINES[1 + row % (len(LINES) - 1)]
        _line(pen, frame, line, colour, 1)
        draw_text(pen, (frame.right, frame.top + 1.3 * text * row), name, text, anchor="ra", colour=colour)
    _line(pen, frame, kept)
    return image


def _finite(points: Points) -> Points:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _frame(points: Points, width: int, height: int, text: int) -> _Frame:
    xs, ys = zip(*(points or [(0.0, 0.0)]), strict=True)
    # the first steps of training have far higher values, which would flatten the rest
    high = sorted(ys)[min(len(ys) - 1, math.ceil(0.99 * len(ys)))]
    room = 0.06 * (high - min(ys)) or 0.5
    y = (0.0 if 0 <= min(ys) < 0.4 * high else min(ys) - room, high + room)
    x = (min(xs), max(xs)) if max(xs) > min(xs) else (min(xs) - 0.5, max(xs) + 0.5)
    return _Frame(4.6 * text, 3.8 * text, width - 2 * text, height - 4 * text, x, y)


def _axes(pen: ImageDraw.ImageDraw, frame: _Frame, text: int) -> None:
    for value in ticks(*frame.y, about=6):
        _, y = frame.at(frame.x[0], value)
        pen.line((frame.left, y, frame.right, y), fill=FAINT)
        draw_text(pen, (frame.left - text * 0.6, y), f"{value:.4g}", text, anchor="rm", colour=SOFT)
    for value in ticks(*frame.x, about=8):
        x, _ = frame.at(value, frame.y[0])
        pen.line((x, frame.bottom, x, frame.bottom + text / 3), fill=AXIS)
        draw_text(pen, (x, frame.bottom + text * 0.6), f"{value:,.10g}", text, anchor="ma", colour=SOFT)
    pen.line((frame.left, frame.bottom, frame.right, frame.bottom), fill=AXIS)
    middle = (frame.left + frame.right) / 2
    draw_text(pen, (middle, frame.bottom + text * 2.1), "step", text, anchor="ma", colour=SOFT)


def _line(
    pen: ImageDraw.ImageDraw,
    frame: _Frame,
    points: Points,
    colour: tuple[int, int, int] = LINES[0],
    width: int = 3,
) -> None:
    if len(points) > 200:
        red, green, blue = (round((c + 2 * paper) / 3) for c, paper in zip(colour, BACKGROUND, strict=True))
        pen.line(frame.line(points), fill=(red, green, blue), width=1)
        points = _running_mean(points, len(points) // 50)
    pixels = frame.line(points)
    if len(pixels) == 1:
        (x, y), reach = pixels[0], 4
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)
    elif pixels:
        pen.line(pixels, fill=colour, width=width, joint="curve")


def _running_mean(points: Points, reach: int) -> Points:
    """Average over up to `reach` points to both sides."""
    sums = list(accumulate((y for _, y in points), initial=0.0))
    ends = [(max(0, index - reach), min(len(points), index + reach + 1)) for index in range(len(points))]
    return [
        (x, (sums[last] - sums[first]) / (last - first)) for (x, _), (first, last) in zip(points, ends, strict=True)
    ]
