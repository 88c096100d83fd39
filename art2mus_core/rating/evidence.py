"""The data sent to the model: pixels and samples, or measured features, without any names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..endpoints.parts import LONGEST_SIDE, picture_part, sound_part, wav_of
from ..evaluation.reading import read_files
from ..evaluation.records import Collection
from ..figures.overview import describe_music
from ..images.reading import thumbnail_jpeg
from ..measure.sound.music import check_length, measure
from ..types import Artwork, OnStep, Waveform

__all__ = [
    "MOST_SECONDS",
    "ArtworkEvidence",
    "MusicEvidence",
    "artwork_evidence",
    "music_evidence",
    "read_evidence",
]

MOST_SECONDS = 60.0
"""Seconds to which the sound is cut."""

FEATURES = """\
The music lasts {seconds:.1f} seconds. You do not hear it; this is what is measured in it:
{lines}
(onset rate: beginnings of notes; loudness: -70 LUFS is silence, -14 is loud; brightness: centre of the spectrum; register: \
mean pitch, C4 is the middle of the piano; mode: how much better a major key fits than a minor one, or the other way round.)"""


@dataclass(frozen=True)
class ArtworkEvidence:
    """The data sent for an artwork.

    Attributes:
        sha256: the artwork's identity.
        jpeg: the picture, without metadata.
    """

    sha256: str
    jpeg: bytes = field(repr=False)

    @property
    def part(self) -> dict[str, Any]:
        """The part of a chat message."""
        return picture_part(self.jpeg)


@dataclass(frozen=True)
class MusicEvidence:
    """The data sent for a piece.

    Attributes:
        sha256: hash of the data.
        seconds: length of the sound.
        wav: the sound, mono, 16-bit; empty if the music is described.
        text: measured features; empty if the sound is sent.
    """

    sha256: str
    seconds: float
    wav: bytes = field(default=b"", repr=False)
    text: str = ""

    @property
    def part(self) -> dict[str, Any]:
        """The part of a chat message."""
        if self.text:
            return {"type": "text", "text": self.text}
        return sound_part(self.wav)


def read_evidence(
    collection: Collection, *, described: bool, on_step: OnStep | None = None
) -> tuple[Collection, dict[Path, ArtworkEvidence | MusicEvidence]]:
    """The readable part of a collection, and the evidence of each file without pixels and samples; each file is read once.

    Raises:
        EvaluationError: no piece is left.
    """
    pieces = partial(_music, described=described)
    rest, readings = read_files(collection, pieces=pieces, artworks=_artwork, on_step=on_step)
    return rest, dict(readings.values)


def _artwork(artwork: Artwork) -> ArtworkEvidence:
    return replace(artwork_evidence(artwork), jpeg=b"")


def _music(sound: Waveform, *, described: bool) -> MusicEvidence:
    if described:
        check_length(sound)
    return replace(music_evidence(sound, described=described), wav=b"")


def artwork_evidence(artwork: Artwork) -> ArtworkEvidence:
    """The data sent for an artwork."""
    return ArtworkEvidence(artwork.sha256, thumbnail_jpeg(artwork, LONGEST_SIDE))


def music_evidence(sound: Waveform, *, described: bool) -> MusicEvidence:
    """The data sent for a piece.

    Args:
        sound: the piece, with all its channels.
        described: send measured features instead of the sound.

    Raises:
        AudioError: samples that are not finite.
    """
    sound = sound.cut(MOST_SECONDS)
    if described:
        text = _features(sound)
        return MusicEvidence(hashlib.sha256(text.encode()).hexdigest(), sound.seconds, text=text)
    wav = wav_of(sound)
    return MusicEvidence(hashlib.sha256(wav).hexdigest(), sound.seconds, wav=wav)


def _features(sound: Waveform) -> str:
    measured = describe_music(measure(sound))
    lines = [f"{name}: {value[1] if isinstance(value, tuple) else value}" for name, value in measured.items()]
    return FEATURES.format(seconds=sound.seconds, lines="\n".join(lines))
