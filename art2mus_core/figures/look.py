"""An artwork beside its music: the picture, the spectrogram, and what is measured in both."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields

from PIL import Image

from ..audio.mel import MelTransform
from ..audio.resample import resample
from ..measure.pictures import measure as measure_image
from ..measure.pictures import percentiles
from ..measure.sound.music import Music
from ..measure.sound.music import measure as measure_music
from ..types import Artwork, AudioGrid, Mel, Waveform
from .bars import Measured, bars_height, draw_bars
from .paper import AXIS, LINES, SOFT, draw_text, fitted, picture_of, sheet, shortened
from .spectrogram import NOTE_NAMES, draw_spectrogram

__all__ = ["WRITTEN_GRID", "describe_artwork", "describe_music", "draw_look"]

WRITTEN_GRID = AudioGrid(
    sample_rate=16_000,
    hop=200,
    mel_bins=84,
    scale="semitone",
    lowest=36.0,
    highest=120.0,
    windows=(4096, 2048, 1024),
    floor=3e-4,
    latent_channels=1,
    latent_factor=1,
    latent_scale=1.0,
    language_width=1,
)
"""How music is drawn where no mel is given: one row a semitone, whatever model made it."""

RANGES = {
    "onset_rate": (0.0, 8.0),
    "loudness": (-42.0, -12.0),
    "brightness": (8.5, 11.5),
    "register": (45.0, 80.0),
    "mode": (-0.5, 0.5),
}
WIDTH, PICTURE, TEXT, MARGIN = 1440, 520, 19, 40


def describe_artwork(artwork: Artwork) -> dict[str, Measured]:
    """Its statistics as percentiles among painted pictures."""
    ranks = percentiles(measure_image(artwork))
    names = [field.name for field in fields(ranks) if field.name != "hue"]
    return {name.replace("_", " "): float(getattr(ranks, name)) for name in names}


def describe_music(heard: Music) -> dict[str, Measured]:
    """What is measured in music, each as a share of its usual range and in its own unit."""

    def told(name: str, words: Callable[[float], str]) -> Measured:
        value, (low, high) = float(getattr(heard, name)), RANGES[name]
        return "none" if math.isnan(value) else ((value - low) / (high - low), words(value))

    mode = "major" if heard.mode > 0 else "minor"
    return {
        "onset rate": told("onset_rate", lambda rate: f"{rate:.1f} a second"),
        "loudness": told("loudness", lambda level: f"{level:.0f} LUFS"),
        "brightness": told("brightness", lambda octaves: f"{2**octaves:.0f} Hz"),
        "register": told("register", lambda pitch: f"around {_note(pitch)}"),
        "mode": told("mode", lambda fit: f"{'minor' if fit < 0 else 'major'} by {abs(fit):.2f}"),
        "in tune": (heard.in_tune, f"{heard.in_tune:.0%} of peaks"),
        "key": "none" if math.isnan(heard.mode) else f"{NOTE_NAMES[heard.key]} {mode}",
    }


def _note(pitch: float) -> str:
    whole = round(pitch)
    return f"{NOTE_NAMES[whole % 12]}{whole // 12 - 1}"


def draw_look(
    artwork: Artwork,
    waveform: Waveform,
    mel: Mel | None = None,
    image_statistics: Mapping[str, Measured] | None = None,
    audio_statistics: Mapping[str, Measured] | None = None,
) -> Image.Image:
    """The artwork to the left, its music's spectrogram to the right, their statistics below as labelled bars.

    Args:
        artwork: the picture.
        waveform: its music, [1, channels, N].
        mel: [1, T, bins] to be drawn; the waveform's on a semitone scale if not given.
        image_statistics: name to a share 0..1, words, or both; measured if not given.
        audio_statistics: the same of the music.

    Raises:
        AudioError: a waveform that cannot be measured.
    """
    seen = describe_artwork(artwork) if image_statistics is None else image_statistics
    heard = describe_music(measure_music(waveform)) if audio_statistics is None else audio_statistics
    drawn, rows = (mel, None) if mel is not None else (_written(waveform), WRITTEN_GRID)
    head = MARGIN + round(2.6 * TEXT)
    below = head + PICTURE + round(1.6 * TEXT)
    height = below + bars_height(max(len(seen), len(heard)), TEXT) + MARGIN // 2
    image, pen = sheet(WIDTH, height)
    draw_text(pen, (MARGIN, MARGIN), shortened(artwork.name, round(1.5 * TEXT), WIDTH * 0.7), round(1.5 * TEXT))
    draw_text(pen, (WIDTH - MARGIN, MARGIN + 6), f"{waveform.seconds:.1f} s of music", TEXT, anchor="ra", colour=SOFT)
    picture = fitted(picture_of(artwork), PICTURE, PICTURE)
    corner = (MARGIN + (PICTURE - picture.width) // 2, head + (PICTURE - picture.height) // 2)
    image.paste(picture, corner)
    pen.rectangle((corner[0] - 1, corner[1] - 1, corner[0] + picture.width, corner[1] + picture.height), outline=AXIS)
    middle = MARGIN + PICTURE + MARGIN // 2
    figure = draw_spectrogram(drawn.values[0], waveform.seconds, (WIDTH - middle - MARGIN // 2, PICTURE + TEXT), rows)
    image.paste(figure, (middle, head - TEXT))
    draw_bars(pen, (MARGIN, below, MARGIN + PICTURE), "Measured in the artwork", seen, TEXT, colour=LINES[0])
    left = middle + 4 * TEXT
    draw_bars(pen, (left, below, WIDTH - MARGIN), "Measured in its music", heard, TEXT, colour=LINES[1])
    return image


def _written(waveform: Waveform) -> Mel:
    grid = WRITTEN_GRID
    mono = waveform.samples[:1].mean(1).detach().cpu().float()
    return Mel(MelTransform(grid)(resample(mono, waveform.sample_rate, grid.sample_rate)))
