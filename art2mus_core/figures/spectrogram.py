"""Spectrograms: time from left to right, pitch upwards, loudness as lightness."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw
from torch import Tensor

from ..audio.filters import slaney_mel
from ..types import AudioGrid
from .paper import AXIS, SOFT, Number, draw_text, heat, sheet, ticks

__all__ = ["NOTE_NAMES", "draw_spectrogram", "heat_map", "row_labels"]

DEPTH = 7.0
"""Drawn range below the maximum in nepers (about 60 dB)."""

NOTE_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def heat_map(
    log_mel: Float[Tensor, "frames bins"], width: int, height: int, span: tuple[Number, Number] | None = None
) -> Image.Image:
    """Draw a spectrogram without axes, from the largest value down to `DEPTH` below it or to the smallest.

    Args:
        log_mel: natural logarithms of magnitudes.
        width: width in pixels.
        height: height in pixels.
        span: smallest and largest value, to share colours between pictures; those of `log_mel` if not given.
    """
    values = log_mel.detach().float().cpu().numpy()
    quietest, top = span or (float(values.min()), float(values.max()))
    bottom = max(quietest, top - DEPTH)
    scaled = (values - bottom) / max(top - bottom, 1e-6)
    image = heat(np.ascontiguousarray(scaled.T[::-1]))
    return image.resize((width, height), Image.Resampling.BILINEAR)


def draw_spectrogram(
    log_mel: Float[Tensor, "frames bins"],
    seconds: Number,
    grid: AudioGrid,
    size: tuple[int, int] = (960, 400),
) -> Image.Image:
    """Draw a spectrogram with a time axis and a pitch axis.

    Args:
        log_mel: natural logarithms of magnitudes.
        seconds: duration of the frames.
        grid: audio grid of the spectrogram.
        size: width and height in pixels.
    """
    width, height = size
    text = max(11, round(min(height / 22, width / 44)))
    left, right, above, below = round(4.2 * text), round(1.2 * text), text, round(3.4 * text)
    image, pen = sheet(width, height)
    box = (left, above, max(left + 1, width - right), max(above + 1, height - below))
    image.paste(heat_map(log_mel, box[2] - box[0], box[3] - box[1]), box[:2])
    pen.rectangle((box[0] - 1, box[1] - 1, box[2], box[3]), outline=AXIS)
    _time_axis(pen, box, seconds, text)
    _pitch_axis(pen, box, grid, log_mel.shape[1], text)
    return image


def _time_axis(pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], seconds: Number, text: int) -> None:
    left, _, right, bottom = box
    for second in ticks(0, seconds, max(2, (right - left) // (6 * text))):
        x = left + (right - left) * second / max(seconds, 1e-9)
        pen.line((x, bottom, x, bottom + text // 3), fill=AXIS)
        draw_text(pen, (x, bottom + text * 0.55), f"{second:g}", text, anchor="ma", colour=SOFT)
    draw_text(pen, ((left + right) / 2, bottom + text * 1.9), "seconds", text, anchor="ma", colour=SOFT)


def _pitch_axis(
    pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], grid: AudioGrid, bins: int, text: int
) -> None:
    left, top, _, bottom = box
    for row, label in row_labels(grid, bins):
        y = bottom - (row + 0.5) / bins * (bottom - top)
        pen.line((left - text // 3, y, left - 1, y), fill=AXIS)
        draw_text(pen, (left - text * 0.6, y), label, text, anchor="rm", colour=SOFT)


def row_labels(grid: AudioGrid, bins: int) -> list[tuple[Number, str]]:
    """Return labelled rows: each C of a semitone grid, or round frequencies of a Slaney grid."""
    if grid.scale == "semitone":
        pitches = [round(grid.lowest) + row for row in range(bins)]
        return [(row, f"C{pitch // 12 - 1}") for row, pitch in enumerate(pitches) if pitch % 12 == 0]
    low, high = slaney_mel(float(grid.lowest)), slaney_mel(float(grid.highest))
    named = ((250.0, "250 Hz"), (500.0, "500"), (1000.0, "1 kHz"), (2000.0, "2"), (4000.0, "4"), (8000.0, "8"))
    rows = [((slaney_mel(hertz) - low) / (high - low) * (bins + 1) - 1, name) for hertz, name in named]
    return [(row, name) for row, name in rows if 0 <= row <= bins]
