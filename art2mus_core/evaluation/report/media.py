"""Files in a page: as links that are relative to its folder, or within it as data addresses."""

from __future__ import annotations

import base64
import os
import tempfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

from torch.nn.functional import pad

from ...audio.files import write_audio
from ...audio.mel import MelTransform
from ...audio.reading import read_audio
from ...figures.overview import SEMITONE_GRID
from ...figures.spectrogram import heat_map
from ...images.reading import read_artwork, thumbnail_jpeg
from ...types import Waveform

__all__ = ["Strips", "link_to", "opus_data", "thumbnail_data"]

STRIP = (240, 44)
"""Width and height of a piece's spectrogram in pixels."""

GRID = replace(SEMITONE_GRID, hop=2 * SEMITONE_GRID.hop)
"""Half as many frames: there are more than pixels still."""


def link_to(path: Path, folder: Path) -> str:
    """The address of a file as seen from a page in `folder`; every sign that means something in addresses is quoted.

    A file on another drive, which no relative address reaches, gets an absolute one.
    """
    target = path.parent.resolve() / path.name
    try:
        relative = os.path.relpath(target, folder.resolve())
    except ValueError:
        return target.as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")), safe="/")


def thumbnail_data(path: Path, longest: int) -> str:
    """An artwork as a JPEG within the page, its longer side at most `longest` pixels.

    Raises:
        ArtworkError: no picture that can be read.
    """
    return _data("image/jpeg", thumbnail_jpeg(read_artwork(path), longest))


def opus_data(path: Path) -> str:
    """A sound file as Opus within the page.

    Raises:
        AudioError: no sound that can be read.
    """
    sound = read_audio(path, mono=False)
    if sound.samples.shape[1] > 2:
        sound = read_audio(path)
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "piece.opus"
        write_audio(small, sound, tags={}, cover=None)
        return _data("audio/ogg", small.read_bytes())


class Strips:
    """Draws the spectrogram of a piece as a narrow strip: time to the right, a row a semitone, loudness as light."""

    def __init__(self) -> None:
        self.transform = MelTransform(GRID)

    def draw(self, path: Path) -> tuple[str, float]:
        """A WebP within the page, and the length of the sound in seconds.

        Raises:
            AudioError: no sound that can be read, or one with samples that are not finite.
        """
        sound = read_audio(path, GRID.sample_rate)
        picture = heat_map(self.transform(_long_enough(sound).samples[0])[0], *STRIP)
        sink = BytesIO()
        picture.save(sink, "WEBP", quality=40, method=4)
        return _data("image/webp", sink.getvalue()), sound.seconds


def _long_enough(sound: Waveform) -> Waveform:
    """With silence behind it, where it is shorter than the longest window."""
    missing = max(GRID.windows) - sound.samples.shape[-1]
    return Waveform(pad(sound.samples, (0, missing)), sound.sample_rate) if missing > 0 else sound


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
