"""What is sent of an artwork and of a piece: pixels and samples, or measured features, and no name of anything."""

from __future__ import annotations

import base64
import hashlib
import io
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.reading import read_audio
from ..figures.look import describe_music
from ..images.reading import read_artwork, thumbnail_jpeg
from ..measure.sound.music import measure
from ..types import Waveform

__all__ = ["LONGEST_SIDE", "MOST_SECONDS", "RATE", "Heard", "Seen", "hear", "see"]

LONGEST_SIDE = 768
"""Pixels of a picture's longer side at most."""

RATE, MOST_SECONDS = 16_000, 60.0
"""Of the sound that is sent; what is longer is cut."""

FEATURES = """\
The music lasts {seconds:.1f} seconds. You do not hear it; this is what is measured in it:
{lines}
(onset rate: beginnings of notes; loudness: -70 LUFS is silence, -14 is loud; brightness: centre of the spectrum; register: \
mean pitch, C4 is the middle of the piano; mode: how much better a major key fits than a minor one, or the other way round.)"""


@dataclass(frozen=True)
class Seen:
    """An artwork as it is sent.

    Attributes:
        sha256: the artwork's identity.
        jpeg: the picture, without metadata.
    """

    sha256: str
    jpeg: bytes = field(repr=False)

    @property
    def part(self) -> dict[str, Any]:
        """Its part of a chat message."""
        url = f"data:image/jpeg;base64,{base64.b64encode(self.jpeg).decode('ascii')}"
        return {"type": "image_url", "image_url": {"url": url}}


@dataclass(frozen=True)
class Heard:
    """A piece as it is sent.

    Attributes:
        sha256: of what is sent.
        seconds: that it lasts.
        wav: the sound, mono, 16-bit; empty where it is described.
        words: measured features; empty where it is heard.
    """

    sha256: str
    seconds: float
    wav: bytes = field(default=b"", repr=False)
    words: str = ""

    @property
    def part(self) -> dict[str, Any]:
        """Its part of a chat message."""
        if self.words:
            return {"type": "text", "text": self.words}
        data = base64.b64encode(self.wav).decode("ascii")
        return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


def see(path: Path) -> Seen:
    """A picture file.

    Raises:
        ArtworkError: it cannot be read.
    """
    artwork = read_artwork(path)
    return Seen(artwork.sha256, thumbnail_jpeg(artwork, LONGEST_SIDE))


def hear(path: Path, *, described: bool) -> Heard:
    """A sound file.

    Args:
        path: of the file.
        described: measure it instead of sending it.

    Raises:
        AudioError: it cannot be read or measured.
    """
    if described:
        sound = read_audio(path, mono=False).cut(MOST_SECONDS)
        words = _words(sound)
        return Heard(hashlib.sha256(words.encode()).hexdigest(), sound.seconds, words=words)
    sound = read_audio(path, RATE).cut(MOST_SECONDS)
    wav = _wav(sound)
    return Heard(hashlib.sha256(wav).hexdigest(), sound.seconds, wav=wav)


def _words(sound: Waveform) -> str:
    measured = describe_music(measure(sound))
    lines = [f"{name}: {value[1] if isinstance(value, tuple) else value}" for name, value in measured.items()]
    return FEATURES.format(seconds=sound.seconds, lines="\n".join(lines))


def _wav(sound: Waveform) -> bytes:
    samples = np.clip(np.rint(sound.samples[0, 0].numpy() * 32767), -32768, 32767).astype("<i2")
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return sink.getvalue()
