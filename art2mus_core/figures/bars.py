"""Labelled bars for measured values."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import ImageDraw

from .paper import FAINT, INK, LINES, SOFT, Number, draw_text, font, shortened

__all__ = ["Measured", "bars_height", "draw_bars"]

Measured = Number | str | tuple[Number, str]
"""A share 0..1, a text, or a share with its text."""


def bars_height(count: int, text: int) -> int:
    """Return the height in pixels of a title and `count` bars."""
    return round(text * (2.2 + 1.75 * count))


def draw_bars(
    pen: ImageDraw.ImageDraw,
    box: tuple[int, int, int],
    title: str,
    values: Mapping[str, Measured],
    text: int,
    *,
    colour: tuple[int, int, int] = LINES[0],
) -> None:
    """Draw a title and one row for each value: its name, a bar and its text.

    Args:
        pen: pen of the sheet.
        box: left, top and right in pixels; the height is :func:`bars_height`.
        title: title above the bars.
        values: values by name.
        text: text size in pixels.
        colour: colour of the bars.
    """
    left, top, right = box
    draw_text(pen, (left, top), shortened(title, round(text * 1.1), right - left), round(text * 1.1))
    labelled = {name: _labelled(value) for name, value in values.items()}
    first = left + max((font(text).getlength(name) for name in values), default=0) + text
    last = right - max((font(text).getlength(words) for _, words in labelled.values()), default=0) - text
    last = max(last, first + text)
    for row, (name, (share, words)) in enumerate(labelled.items()):
        y = top + text * (2.2 + 1.75 * row) + text / 2
        draw_text(pen, (left, y), name, text, anchor="lm", colour=SOFT)
        if share is None:
            draw_text(pen, (first, y), words, text, anchor="lm", colour=INK)
            continue
        thick = text * 0.34
        pen.rounded_rectangle((first, y - thick, last, y + thick), radius=thick, fill=FAINT)
        full = first + max(2 * thick, (last - first) * min(max(share, 0.0), 1.0))
        pen.rounded_rectangle((first, y - thick, full, y + thick), radius=thick, fill=colour)
        draw_text(pen, (right, y), words, text, anchor="rm", colour=INK)


def _labelled(value: Measured) -> tuple[float | None, str]:
    if isinstance(value, str):
        return None, value
    if isinstance(value, tuple):
        return float(value[0]), value[1]
    return float(value), f"{float(value):.2f}"
