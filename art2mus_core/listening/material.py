"""What is heard: the pieces that all systems have, and copies of them that don't tell whose they are."""

from __future__ import annotations

import hashlib
from collections.abc import Collection as Collected
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..audio.files import write_audio
from ..audio.reading import read_audio
from ..errors import EvaluationError
from ..evaluation.reading import Asked, read_files
from ..evaluation.records import Collection, Piece
from ..images.reading import read_artwork, thumbnail_jpeg
from ..measure.sound.loudness import integrated_loudness
from ..placing import place
from ..types import OnStep, Waveform

__all__ = ["LONGEST_SIDE", "Material", "Sound", "measured", "music_of", "names_of", "read_levels", "sounds_of"]

LONGEST_SIDE = 1280
"""Of an artwork as listeners see it, in pixels."""

MOST_TURNED_DOWN = 12.0
"""Decibels; a system that is nearly silent must not silence the others."""


class Sound(NamedTuple):
    """A piece in the study.

    Attributes:
        system: that made it.
        artwork: id of the artwork it was made for.
        take: what tells several pieces for one artwork apart.
        sha256: of the file.
        seconds: how long it is.
        gain: decibels by which it is turned down before it is heard; 0 or less.
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


def names_of(sounds: Iterable[Sound]) -> tuple[list[str], list[str]]:
    """Systems and artworks, sorted."""
    kept = list(sounds)
    return sorted({sound.system for sound in kept}), sorted({sound.artwork for sound in kept})


def music_of(collection: Collection, systems: Sequence[str] = ()) -> dict[str, list[Piece]]:
    """The pieces of the systems for the artworks that all of them have music for.

    Args:
        collection: the folder.
        systems: names; all if empty. `reference` stands for the artworks' real music.

    Raises:
        EvaluationError: an unknown system, no artworks, or none that all systems have music for.
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
            "artworks that listeners can see and all systems have music for",
            "Give the folder of pictures with --artworks, or choose systems with --system.",
        )
    return {name: [piece for piece in music[name] if piece.id in shared] for name in chosen}


def sounds_of(music: Mapping[str, Sequence[Piece]], artworks: Collected[str]) -> dict[Sound, Path]:
    """The pieces for some artworks, with their digests and not measured yet."""
    return {
        Sound(name, piece.id, piece.take, hashlib.sha256(piece.path.read_bytes()).hexdigest()): piece.path
        for name, pieces in music.items()
        for piece in pieces
        if piece.id in artworks
    }


def read_levels(
    collection: Collection, *, on_step: OnStep | None = None
) -> tuple[Collection, dict[Path, tuple[float, float]]]:
    """What can be read of a collection, and of each sound its seconds and its loudness, every file read once.

    Raises:
        EvaluationError: no piece is left.
    """
    rest, readings = read_files(collection, Asked(pieces=_level, music=_level), on_step=on_step)
    return rest, dict(readings.values)


def measured(sounds: Mapping[Sound, Path], levels: Mapping[Path, tuple[float, float]], *, matched: bool) -> list[Sound]:
    """The sounds with their length and gain.

    If `matched`, every system is turned down to the mean loudness (LUFS, ITU-R BS.1770-4) of the quietest, by one gain a
    system: the louder of two systems would be preferred for that alone, while how loud a system plays for one artwork
    and for another is part of what is judged.
    """
    own: dict[str, list[float]] = {}
    for sound, path in sounds.items():
        own.setdefault(sound.system, []).append(levels[path][1])
    means = {system: sum(each) / len(each) for system, each in own.items()}
    gains = {system: max(min(means.values()) - mean, -MOST_TURNED_DOWN) for system, mean in means.items()}
    return [
        sound._replace(seconds=levels[path][0], gain=gains[sound.system] if matched else 0.0)
        for sound, path in sounds.items()
    ]


def _level(sound: Waveform) -> tuple[float, float]:
    """Seconds, and LUFS as it is heard: both loudspeakers play what has one channel."""
    samples = sound.samples[0].numpy()
    both = samples.repeat(2, 0) if len(samples) == 1 else samples
    return sound.seconds, integrated_loudness(both, sound.sample_rate)


class Material:
    """Blind copies of artworks and sounds, made when they are first asked for.

    Args:
        artworks: pictures by id.
        sounds: files by the key of their sound.
        folder: of copies; the caller removes it.
    """

    def __init__(self, artworks: dict[str, Path], sounds: dict[tuple[str, str, str], Path], folder: Path) -> None:
        self.artworks, self.sounds, self.folder = artworks, sounds, folder

    def picture(self, artwork: str) -> bytes:
        """The artwork as a JPEG without its metadata.

        Raises:
            ArtworkError: a file that cannot be read.
        """
        copy = self.folder / f"{hashlib.sha256(artwork.encode()).hexdigest()}.jpg"
        if not copy.exists():
            place(copy, thumbnail_jpeg(read_artwork(self.artworks[artwork]), LONGEST_SIDE))
        return copy.read_bytes()

    def sound(self, sound: Sound) -> bytes:
        """The sound as a FLAC without tags, turned down by its gain.

        Raises:
            AudioError: a file that cannot be read.
        """
        copy = self.folder / f"{hashlib.sha256(repr(sound.key).encode()).hexdigest()}.flac"
        if not copy.exists():
            heard = read_audio(self.sounds[sound.key], mono=False)
            samples = heard.samples if heard.samples.shape[1] <= 2 else heard.samples.mean(1, keepdim=True)
            turned = Waveform(samples * 10 ** (sound.gain / 20), heard.sample_rate)
            write_audio(copy, turned, tags={}, cover=None)
        return copy.read_bytes()
