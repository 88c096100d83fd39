"""A collection being scored, with each file's embeddings and measurements, computed once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Float64

from ..audio.mono import mono
from ..audio.reading import read_audio, read_tags
from ..measure.pictures import ImageStatistics, percentiles
from ..measure.pictures import measure as measure_artwork
from ..measure.sound.music import SHORTEST, check_length
from ..types import OnStep, Waveform
from .embedders.roles import ArtworkEmbedder, TextEmbedder
from .reading import Content, measure_piece, read_files
from .records import Collection, SystemGroup

if TYPE_CHECKING:
    from ..measure.sound.faults import Faults
    from ..measure.sound.music import Music
    from .embedders import Classifier, Embedder
    from .embedders.features import FeatureCache

__all__ = ["Study", "open_study"]

COMPARED_RATE = 16_000
"""Sample rate at which two sounds are compared, so that files of different rates are comparable."""

KEPT = 2**29
"""Bytes of sounds that are kept in memory for comparison; further sounds are read again."""

Windows = Float64[np.ndarray, "windows dim"]


@dataclass
class Study:
    """The embeddings and measurements that scorers share.

    Attributes:
        collection: the files that are scored.
        embedders: by name.
        features: the cache of embeddings.
        classifier: a network that classifies sounds, if there is one.
        seed: seed of bootstraps and shuffles.
        resamples: number of bootstrap resamples.
        workers: number of processes that measure sounds.
        on_step: called with each step of progress.
        notes: sentences for the report's reader.
        embedded: embeddings and class probabilities by network and file.
        measured: measurements by file: music and faults of a piece, statistics of an artwork.
        sounds: samples for comparison by file, as far as they were kept.
    """

    collection: Collection
    embedders: Mapping[str, Embedder]
    features: FeatureCache
    classifier: Classifier | None = None
    seed: int = 0
    resamples: int = 1000
    workers: int = 1
    on_step: OnStep | None = None
    notes: tuple[str, ...] = ()
    embedded: Mapping[tuple[str, Path], np.ndarray] = field(default_factory=dict, repr=False)
    measured: Mapping[Path, Any] = field(default_factory=dict, repr=False)
    sounds: Mapping[Path, np.ndarray] = field(default_factory=dict, repr=False)

    @cached_property
    def system_groups(self) -> tuple[SystemGroup, ...]:
        """Every system with every group that it has pieces for."""
        return self.collection.system_groups

    def window_embeddings(self, embedder: str, paths: Sequence[Path]) -> list[Windows]:
        """The embeddings of each sound's windows."""
        return [self.embedded[embedder, path] for path in paths]

    def audio_embeddings(self, embedder: str, paths: Sequence[Path]) -> Float64[np.ndarray, "sounds dim"]:
        """The embedding of each sound: the mean over its windows."""
        return np.stack([windows.mean(0) for windows in self.window_embeddings(embedder, paths)])

    def image_embeddings(self, embedder: str, group: SystemGroup) -> Float64[np.ndarray, "pieces dim"]:
        """The embedding of each piece's artwork."""
        return np.stack([self.embedded[embedder, piece.subject.picture] for piece in group.pieces])

    def text_embeddings(self, embedder: str, texts: Sequence[str]) -> Float64[np.ndarray, "texts dim"]:
        """The embedding of each text, by a :class:`.TextEmbedder`."""
        encoder = self.embedders[embedder]
        assert isinstance(encoder, TextEmbedder)  # noqa: S101
        embeddings = {text: self.features.text(encoder, text) for text in dict.fromkeys(texts)}
        return np.stack([embeddings[text] for text in texts])

    def probabilities(self, paths: Sequence[Path]) -> Float64[np.ndarray, "sounds classes"]:
        """The classifier's class probabilities of each sound; requires a classifier."""
        assert self.classifier is not None  # noqa: S101
        return np.stack([self.embedded[self.classifier.name, path] for path in paths])

    def music(self, group: SystemGroup) -> list[Music]:
        """The musical measurements of each piece."""
        return [self.measured[path][0] for path in group.paths]

    def faults(self, group: SystemGroup) -> list[Faults]:
        """The audio faults of each piece."""
        return [self.measured[path][1] for path in group.paths]

    def sound(self, path: Path) -> Float[np.ndarray, " samples"]:
        """A sound for comparison: mono, at :data:`COMPARED_RATE`."""
        return self.sounds[path] if path in self.sounds else mono(read_audio(path, mono=False), COMPARED_RATE).numpy()

    @cached_property
    def percentiles(self) -> dict[str, ImageStatistics]:
        """The percentile of each artwork's statistics among paintings, by id."""
        return {key: percentiles(self.measured[path]) for key, path in self.collection.artworks.items()}

    @cached_property
    def tags(self) -> dict[str, list[dict[str, str]]]:
        """The tags of every piece of each system."""
        return {
            system: [read_tags(piece.path) for piece in pieces] for system, pieces in self.collection.systems.items()
        }


def open_study(study: Study) -> Study:
    """The study with embeddings and measurements, without files that cannot be read; every file is read once.

    Raises:
        EvaluationError: no piece is left.
    """
    embedded: dict[tuple[str, Path], np.ndarray] = {}
    sounds: dict[Path, np.ndarray] = {}
    compared = _compared(study.collection)

    def embed(path: Path, content: Content) -> None:
        found = {(name, path): values for name, values in _embed(study, path, content)}
        if isinstance(content, Waveform) and path in compared and sum(each.nbytes for each in sounds.values()) < KEPT:
            sounds[path] = mono(content, COMPARED_RATE).numpy()
        embedded.update(found)

    least = max((embedder.least for embedder in study.embedders.values()), default=0.0)
    rest, readings = read_files(
        study.collection,
        pieces=partial(_measure, least),
        music=partial(check_length, least=max(least, SHORTEST)),
        background=partial(check_length, least=least),
        artworks=measure_artwork,
        on_content=embed,
        workers=study.workers,
        on_step=study.on_step,
    )
    return replace(study, collection=rest, embedded=embedded, measured=readings.values, sounds=sounds)


def _measure(least: float, sound: Waveform) -> tuple[Music, Faults]:
    check_length(sound, least)
    return measure_piece(sound)


def _embed(study: Study, path: Path, content: Content) -> Iterator[tuple[str, np.ndarray]]:
    """The embeddings of a sound or an artwork, and the class probabilities of a sound, by name of the network."""
    for name, embedder in study.embedders.items():
        if isinstance(content, Waveform):
            yield name, study.features.sound(embedder, path, content)
        elif isinstance(embedder, ArtworkEmbedder):
            yield name, study.features.artwork(embedder, content)
    if study.classifier and isinstance(content, Waveform):
        yield study.classifier.name, study.features.probability(study.classifier, path, content)


def _compared(collection: Collection) -> set[Path]:
    """Sounds that are compared with each other: real music, and the pieces for artworks that have some."""
    pieces = {piece.path for own in collection.systems.values() for piece in own if piece.subject.music}
    return pieces | set(collection.reference.values())
