"""Draws an artwork beside its music: the picture, the spectrogram, and the measurements of both as labelled bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields

from jaxtyping import Float
from PIL import Image, ImageDraw
from torch import Tensor

from ..audio.mel import MelTransform
from ..audio.resample import resample
from ..images.reading import picture_of
from ..measure.pictures import measure as measure_image
from ..measure.pictures import percentiles
from ..measure.sound.music import Music
from ..measure.sound.music import measure as measure_music
from ..types import Artwork, AudioGrid, Waveform
from .paper import AXIS, FAINT, INK, LINES, SOFT, Number, draw_text, fitted, font, sheet, shortened
from .spectrogram import NOTE_NAMES, draw_spectrogram

__all__ = [
    "SEMITONE_GRID",
    "Measured",
    "bars_height",
    "describe_artwork",
    "describe_music",
    "draw_bars",
    "draw_overview",
    "draw_sounds",
]

Measured = Number | str | tuple[Number, str]
"""A share 0..1, a text, or a share with its text."""

SEMITONE_GRID = AudioGrid(
    sample_rate=32_000,
    hop=400,
    mel_bins=92,
    scale="semitone",
    lowest=36.0,
    highest=128.0,
    windows=(8192, 4096, 2048),
    floor=3e-4,
    latent_channels=1,
    latent_factor=1,
    latent_scale=1.0,
    language_width=1,
)
"""The grid of drawn spectrograms for all models: one row for each semitone up to 12.5 kHz."""

RANGES = {
    "onset_rate": (0.0, 8.0),
    "loudness": (-42.0, -12.0),
    "brightness": (8.5, 11.5),
    "register": (45.0, 80.0),
    "mode": (-0.5, 0.5),
}
WIDTH, PICTURE, TEXT, MARGIN = 1440, 520, 19, 40


def describe_artwork(artwork: Artwork) -> dict[str, Measured]:
    """Return the artwork's statistics as percentiles among painted pictures."""
    ranks = percentiles(measure_image(artwork))
    names = [field.name for field in fields(ranks) if field.name != "hue"]
    return {name.replace("_", " "): float(getattr(ranks, name)) for name in names}


def describe_music(music: Music) -> dict[str, Measured]:
    """Return measurements of music, each as a share of its usual range and as text with its unit."""

    def described(name: str, words: Callable[[float], str]) -> Measured:
        value, (low, high) = float(getattr(music, name)), RANGES[name]
        return "none" if math.isnan(value) else ((value - low) / (high - low), words(value))

    mode = "major" if music.mode > 0 else "minor"
    return {
        "onset rate": described("onset_rate", lambda rate: f"{rate:.1f} a second"),
        "loudness": described("loudness", lambda level: f"{level:.0f} LUFS"),
        "brightness": described("brightness", lambda octaves: f"{2**octaves:.0f} Hz"),
        "register": described("register", lambda pitch: f"around {_note(pitch)}"),
        "mode": described("mode", lambda fit: f"{'minor' if fit < 0 else 'major'} by {abs(fit):.2f}"),
        "in tune": (music.in_tune, f"{music.in_tune:.0%} of peaks"),
        "key": "none" if math.isnan(music.mode) else f"{NOTE_NAMES[music.key]} {mode}",
    }


def _note(pitch: float) -> str:
    whole = round(pitch)
    return f"{NOTE_NAMES[whole % 12]}{whole // 12 - 1}"


def draw_overview(
    artwork: Artwork,
    waveform: Waveform,
    image_statistics: Mapping[str, Measured] | None = None,
    audio_statistics: Mapping[str, Measured] | None = None,
) -> Image.Image:
    """Draw the artwork on the left, its music's spectrogram on the right, and their measurements below as labelled bars.

    Args:
        artwork: the picture.
        waveform: its music, [1, channels, N].
        image_statistics: values of the artwork's bars; measured if not given.
        audio_statistics: values of the music's bars; measured if not given.

    Raises:
        AudioError: the waveform cannot be measured.
    """
    picture_values = describe_artwork(artwork) if image_statistics is None else image_statistics
    music_values = describe_music(measure_music(waveform)) if audio_statistics is None else audio_statistics
    head = MARGIN + round(2.6 * TEXT)
    below = head + PICTURE + round(1.6 * TEXT)
    height = below + bars_height(max(len(picture_values), len(music_values)), TEXT) + MARGIN // 2
    image, pen = sheet(WIDTH, height)
    draw_text(pen, (MARGIN, MARGIN), shortened(artwork.name, round(1.5 * TEXT), WIDTH * 0.7), round(1.5 * TEXT))
    draw_text(pen, (WIDTH - MARGIN, MARGIN + 6), f"{waveform.seconds:.1f} s of music", TEXT, anchor="ra", colour=SOFT)
    picture = fitted(picture_of(artwork), PICTURE, PICTURE)
    corner = (MARGIN + (PICTURE - picture.width) // 2, head + (PICTURE - picture.height) // 2)
    image.paste(picture, corner)
    pen.rectangle((corner[0] - 1, corner[1] - 1, corner[0] + picture.width, corner[1] + picture.height), outline=AXIS)
    middle = MARGIN + PICTURE + MARGIN // 2
    size = WIDTH - middle - MARGIN // 2, PICTURE + TEXT
    image.paste(draw_spectrogram(_semitones(waveform), waveform.seconds, SEMITONE_GRID, size), (middle, head - TEXT))
    draw_bars(pen, (MARGIN, below, MARGIN + PICTURE), "Measured in the artwork", picture_values, TEXT, colour=LINES[0])
    left = middle + 4 * TEXT
    draw_bars(pen, (left, below, WIDTH - MARGIN), "Measured in its music", music_values, TEXT, colour=LINES[1])
    return image


def draw_sounds(sounds: Mapping[str, Waveform]) -> Image.Image:
    """Draw the spectrograms of sounds below each other, each under its title.

    Args:
        sounds: by their titles; each [1, channels, N].
    """
    title, high = round(1.5 * TEXT), PICTURE // 2 + 3 * TEXT
    image, pen = sheet(WIDTH, MARGIN + len(sounds) * (2 * title + high))
    for row, (name, sound) in enumerate(sounds.items()):
        top = MARGIN + row * (2 * title + high)
        draw_text(pen, (MARGIN, top), shortened(name, title, WIDTH - 2 * MARGIN), title)
        picture = draw_spectrogram(_semitones(sound), sound.seconds, SEMITONE_GRID, (WIDTH - MARGIN, high))
        image.paste(picture, (MARGIN // 2, top + 3 * title // 2))
    return image


def _semitones(waveform: Waveform) -> Float[Tensor, "frames bins"]:
    mono = waveform.samples[0].mean(0).detach().cpu().float()
    return MelTransform(SEMITONE_GRID)(resample(mono[None], waveform.sample_rate, SEMITONE_GRID.sample_rate))[0]


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
