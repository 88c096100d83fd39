"""What is sent of an artwork and of a piece: pixels and samples, or measured features, and no name of anything."""

from __future__ import annotations

import base64
import hashlib
import io
import wave
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.resample import resample
from ..evaluation.reading import Asked, long_enough, read_files
from ..evaluation.records import Collection
from ..figures.overview import describe_music
from ..images.reading import thumbnail_jpeg
from ..measure.sound.music import measure
from ..types import Artwork, OnStep, Waveform

__all__ = ["LONGEST_SIDE", "MOST_SECONDS", "RATE", "Heard", "Seen", "hear", "read_evidence", "see"]

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


def read_evidence(
    collection: Collection, *, described: bool, on_step: OnStep | None = None
) -> tuple[Collection, dict[Path, Seen | Heard]]:
    """What can be read of a collection, and what would be sent of each file, without pictures and sounds; each is read once.

    Raises:
        EvaluationError: no piece is left.
    """
    asked = Asked(pieces=partial(_listed, described=described), artworks=_shown)
    rest, readings = read_files(collection, asked, on_step=on_step)
    return rest, dict(readings.values)


def _shown(artwork: Artwork) -> Seen:
    return replace(see(artwork), jpeg=b"")


def _listed(sound: Waveform, *, described: bool) -> Heard:
    if described:
        long_enough(sound)
    return replace(hear(sound, described=described), wav=b"")


def see(artwork: Artwork) -> Seen:
    """What is sent of an artwork."""
    return Seen(artwork.sha256, thumbnail_jpeg(artwork, LONGEST_SIDE))


def hear(sound: Waveform, *, described: bool) -> Heard:
    """What is sent of a piece, channels as they are.

    Args:
        sound: the piece.
        described: measure it instead of sending it.

    Raises:
        AudioError: samples that are not finite.
    """
    sound = sound.cut(MOST_SECONDS)
    if described:
        words = _words(sound)
        return Heard(hashlib.sha256(words.encode()).hexdigest(), sound.seconds, words=words)
    wav = _wav(sound)
    return Heard(hashlib.sha256(wav).hexdigest(), sound.seconds, wav=wav)


def _words(sound: Waveform) -> str:
    measured = describe_music(measure(sound))
    lines = [f"{name}: {value[1] if isinstance(value, tuple) else value}" for name, value in measured.items()]
    return FEATURES.format(seconds=sound.seconds, lines="\n".join(lines))


def _wav(sound: Waveform) -> bytes:
    mono = resample(sound.samples[0].mean(0), sound.sample_rate, RATE).numpy()
    samples = np.clip(np.rint(mono * 32767), -32768, 32767).astype("<i2")
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return sink.getvalue()
