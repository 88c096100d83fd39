"""The sounds of a listening test: pieces of all systems for the same artworks, and anonymous copies of them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection as Collected
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..audio.files import write_audio
from ..audio.reading import read_audio
from ..digests import file_digest
from ..errors import EvaluationError
from ..evaluation.reading import read_files
from ..evaluation.records import Collection, Piece
from ..images.reading import read_artwork, thumbnail_jpeg
from ..measure.sound.loudness import integrated_loudness
from ..placing import place
from ..types import OnStep, Waveform

__all__ = ["LONGEST_SIDE", "Material", "Sound", "measured", "music_of", "read_levels", "sounds_of"]

LONGEST_SIDE = 1280
"""Longest side in pixels of an artwork on the page."""

MOST_TURNED_DOWN = 12.0
"""Largest attenuation in decibels, so that a nearly silent system does not silence the others."""


class Sound(NamedTuple):
    """A piece in the study.

    Attributes:
        system: name of the system.
        artwork: id of the artwork.
        take: identifier among several pieces for one artwork.
        sha256: digest of the file.
        seconds: length.
        gain: gain in decibels for playing, at most 0.
    """

    system: str
    artwork: str
    take: str
    sha256: str
    seconds: float = 0.0
    gain: float = 0.0

    @property
    def key(self) -> tuple[str, str, str]:
        return self.system, self.artwork, self.take


def music_of(collection: Collection, systems: Sequence[str] = ()) -> dict[str, list[Piece]]:
    """Return the systems' pieces for the artworks that all of them have music for.

    Args:
        collection: artworks and pieces.
        systems: names of systems; all if empty. `reference` is the artworks' real music.

    Raises:
        EvaluationError: an unknown system, no artworks, or no artwork with music of all systems.
    """
    music = {name: list(pieces) for name, pieces in collection.systems.items()}
    if collection.reference:
        music["reference"] = [Piece(each, path=each.music) for each in collection.subjects.values() if each.music]
    chosen = list(dict.fromkeys(systems)) or list(collection.systems)
    if unknown := [name for name in chosen if name not in music]:
        raise EvaluationError(
            f"no system {', '.join(unknown)} in {collection.folder}", f"some of {', '.join(music)}", "Check the names."
        )
    shared = set(collection.artworks).intersection(*({piece.id for piece in music[name]} for name in chosen))
    if not shared:
        raise EvaluationError(
            f"no artwork in {collection.folder} has music of {', '.join(chosen)}",
            "artworks with a picture and with music of all systems",
            "Give the folder of pictures with --artworks, or choose systems with --system.",
        )
    return {name: [piece for piece in music[name] if piece.id in shared] for name in chosen}


def sounds_of(music: Mapping[str, Sequence[Piece]], artworks: Collected[str]) -> dict[Sound, Path]:
    """Return the pieces for some artworks with their digests and files; length and gain are not measured yet."""
    return {
        Sound(name, piece.id, piece.take, file_digest(piece.path)): piece.path
        for name, pieces in music.items()
        for piece in pieces
        if piece.id in artworks
    }


def read_levels(
    collection: Collection, *, on_step: OnStep | None = None
) -> tuple[Collection, dict[Path, tuple[float, float]]]:
    """Return the readable part of a collection, and length and loudness of each sound file. Reads each file once.

    Raises:
        EvaluationError: no piece is readable.
    """
    rest, readings = read_files(collection, pieces=_level, music=_level, on_step=on_step)
    return rest, dict(readings.values)


def measured(sounds: Mapping[Sound, Path], levels: Mapping[Path, tuple[float, float]], *, matched: bool) -> list[Sound]:
    """Return the sounds with their length and gain.

    If `matched`, every system is attenuated to the mean loudness (LUFS, ITU-R BS.1770-4) of the quietest, because listeners
    prefer the louder of two systems. Each system has one gain: its differences in loudness between artworks are part of the
    rated music.
    """
    loudness: dict[str, list[float]] = {}
    for sound, path in sounds.items():
        loudness.setdefault(sound.system, []).append(levels[path][1])
    means = {system: sum(each) / len(each) for system, each in loudness.items()}
    gains = {system: max(min(means.values()) - mean, -MOST_TURNED_DOWN) for system, mean in means.items()}
    return [
        sound._replace(seconds=levels[path][0], gain=gains[sound.system] if matched else 0.0)
        for sound, path in sounds.items()
    ]


def _level(sound: Waveform) -> tuple[float, float]:
    """Return seconds and LUFS; a mono sound is measured as played by two loudspeakers."""
    samples = sound.samples[0].numpy()
    both = samples.repeat(2, 0) if len(samples) == 1 else samples
    return sound.seconds, integrated_loudness(both, sound.sample_rate)


class Material:
    """Anonymous copies of artworks and sounds, made at the first request.

    Args:
        artworks: picture files by id.
        sounds: sound files by the key of their sound.
        folder: folder for the copies; the caller removes it.
    """

    def __init__(self, artworks: dict[str, Path], sounds: dict[tuple[str, str, str], Path], folder: Path) -> None:
        self.artworks, self.sounds, self.folder = artworks, sounds, folder

    def picture(self, artwork: str) -> bytes:
        """Return the artwork as a JPEG without metadata.

        Raises:
            ArtworkError: the file cannot be read.
        """
        copy = self.folder / f"{hashlib.sha256(artwork.encode()).hexdigest()}.jpg"
        if not copy.exists():
            place(copy, thumbnail_jpeg(read_artwork(self.artworks[artwork]), LONGEST_SIDE))
        return copy.read_bytes()

    def sound(self, sound: Sound) -> bytes:
        """Return the sound as a FLAC without tags, at its gain.

        Raises:
            AudioError: the file cannot be read.
        """
        copy = self.folder / f"{hashlib.sha256(repr(sound.key).encode()).hexdigest()}.flac"
        if not copy.exists():
            read = read_audio(self.sounds[sound.key], mono=False)
            samples = read.samples if read.samples.shape[1] <= 2 else read.samples.mean(1, keepdim=True)
            write_audio(copy, Waveform(samples * 10 ** (sound.gain / 20), read.sample_rate), tags={}, cover=None)
        return copy.read_bytes()
