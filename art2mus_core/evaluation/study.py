"""A collection while it is scored: what is embedded, heard and seen in it, each thing once."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from ..audio.reading import read_audio, read_tags
from ..audio.resample import resample
from ..measure.pictures import ImageStatistics, percentiles
from ..measure.pictures import measure as measure_artwork
from ..types import Artwork, OnStep, Waveform
from .embedders.roles import ArtworkEmbedder, TextEmbedder
from .reading import SHORTEST, Asked, long_enough, read_files, signals_of
from .records import Collection, Piece

if TYPE_CHECKING:
    from ..measure.sound.faults import Faults
    from ..measure.sound.music import Music
    from .embedders import Classifier, Embedder
    from .embedders.features import FeatureCache

__all__ = ["Row", "Study", "open_study"]

COMPARED = 16_000
"""Hertz at which two sounds are compared, so that files of different rates compare."""

KEPT = 2**29
"""Bytes of sounds that wait in memory to be compared; what goes beyond is read again then."""

Windows = Float64[np.ndarray, "windows dim"]


class Row(NamedTuple):
    """A row of the report: a system's pieces for a group of artworks.

    Attributes:
        system: whose pieces.
        group: of the artworks.
        title: names the system, and the group where there are several.
        pieces: sorted by id and take.
    """

    system: str
    group: str
    title: str
    pieces: tuple[Piece, ...]

    @property
    def paths(self) -> list[Path]:
        """Of the pieces."""
        return [piece.path for piece in self.pieces]

    @property
    def owners(self) -> Int[np.ndarray, " pieces"]:
        """Number of each piece's artwork; takes of one artwork share it."""
        return np.unique([piece.id for piece in self.pieces], return_inverse=True)[1]

    def having(self, ids: Container[str]) -> Row:
        """The part of the row whose artworks are among `ids`."""
        return self._replace(pieces=tuple(piece for piece in self.pieces if piece.id in ids))

    @property
    def artworks(self) -> int:
        """How many the pieces are for."""
        return len({piece.id for piece in self.pieces})


@dataclass
class Study:
    """What scorers ask of a collection.

    Attributes:
        collection: what is scored.
        embedders: by name.
        features: where embeddings are kept.
        classifier: names what is heard, if there is one.
        seed: of every bootstrap and every shuffling.
        resamples: of every bootstrap.
        workers: processes that measure sounds.
        on_step: told of progress.
        notes: what the reader must know of all this.
        embedded: what judges made of files, by judge and file.
        measured: what is measured in files: music and faults of a piece, statistics of an artwork.
        sounds: samples that are to be compared, by file, as far as they were kept.
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
    def rows(self) -> tuple[Row, ...]:
        """Every system on every group that it has pieces for."""
        groups = self.collection.groups
        found = []
        for system, pieces in self.collection.systems.items():
            for group in groups:
                own = tuple(piece for piece in pieces if piece.subject.group == group)
                title = system if len(groups) == 1 else f"{system} · {group}"
                found += [Row(system, group, title, own)] if own else []
        return tuple(found)

    def heard(self, embedder: str, paths: Sequence[Path]) -> list[Windows]:
        """Embeddings of sounds, a row a window."""
        return [self.embedded[embedder, path] for path in paths]

    def vectors(self, embedder: str, paths: Sequence[Path]) -> Float64[np.ndarray, "sounds dim"]:
        """One embedding a sound: the mean over its windows."""
        return np.stack([windows.mean(0) for windows in self.heard(embedder, paths)])

    def seen(self, embedder: str, row: Row) -> Float64[np.ndarray, "pieces dim"]:
        """The embedding of each piece's artwork."""
        return np.stack([self.embedded[embedder, piece.subject.picture] for piece in row.pieces])

    def read(self, embedder: str, texts: Sequence[str]) -> Float64[np.ndarray, "texts dim"]:
        """Embeddings of words."""
        reader = self.embedders[embedder]
        assert isinstance(reader, TextEmbedder)  # noqa: S101
        rows = {text: self.features.text(reader, text) for text in dict.fromkeys(texts)}
        return np.stack([rows[text] for text in texts])

    def probabilities(self, paths: Sequence[Path]) -> Float64[np.ndarray, "sounds classes"]:
        """What the classifier makes of sounds; there has to be one."""
        assert self.classifier is not None  # noqa: S101
        return np.stack([self.embedded[self.classifier.name, path] for path in paths])

    def facts(self, row: Row) -> list[Music]:
        """What is heard in each piece."""
        return [self.measured[path][0] for path in row.paths]

    def faults(self, row: Row) -> list[Faults]:
        """What is wrong with each piece."""
        return [self.measured[path][1] for path in row.paths]

    def sound(self, path: Path) -> Float[np.ndarray, " samples"]:
        """A sound as it is compared with another: mono, at :data:`COMPARED`; kept in memory while there is room."""
        return self.sounds[path] if path in self.sounds else compared(read_audio(path, mono=False))

    @cached_property
    def statistics(self) -> dict[str, ImageStatistics]:
        """What is measured in the artworks, by id."""
        return {key: self.measured[path] for key, path in self.collection.artworks.items()}

    @cached_property
    def percentiles(self) -> dict[str, ImageStatistics]:
        """The ranks of these statistics among painted pictures, by id."""
        return {key: percentiles(each) for key, each in self.statistics.items()}

    @cached_property
    def origins(self) -> dict[str, list[dict[str, str]]]:
        """Tags of every piece of each system: what made it, as far as it says so."""
        return {
            system: [read_tags(piece.path) for piece in pieces] for system, pieces in self.collection.systems.items()
        }


def open_study(study: Study) -> Study:
    """The study of what can be read of its collection, every file read once: measured, heard and seen by all judges.

    Raises:
        EvaluationError: no piece is left.
    """
    embedded: dict[tuple[str, Path], np.ndarray] = {}
    sounds: dict[Path, np.ndarray] = {}
    compares = _compared(study.collection)

    def judge(path: Path, content: Waveform | Artwork) -> None:
        found = dict(_judged(study, path, content))
        if isinstance(content, Waveform) and path in compares and sum(each.nbytes for each in sounds.values()) < KEPT:
            sounds[path] = compared(content)
        embedded.update({(name, path): rows for name, rows in found.items()})

    least = max((embedder.least for embedder in study.embedders.values()), default=0.0)
    asked = Asked(
        partial(_measured, least),
        partial(long_enough, least=max(least, SHORTEST)),
        partial(long_enough, least=least),
        measure_artwork,
        judge,
    )
    rest, readings = read_files(study.collection, asked, workers=study.workers, on_step=study.on_step)
    return replace(study, collection=rest, embedded=embedded, measured=readings.values, sounds=sounds)


def _measured(least: float, sound: Waveform) -> tuple[Music, Faults]:
    long_enough(sound, least)
    return signals_of(sound)


def _judged(study: Study, path: Path, content: Waveform | Artwork) -> Iterator[tuple[str, np.ndarray]]:
    """What every judge makes of a sound or an artwork."""
    for name, embedder in study.embedders.items():
        if isinstance(content, Waveform):
            yield name, study.features.sound(embedder, path, content)
        elif isinstance(embedder, ArtworkEmbedder):
            yield name, study.features.artwork(embedder, content)
    if study.classifier and isinstance(content, Waveform):
        yield study.classifier.name, study.features.probability(study.classifier, path, content)


def _compared(collection: Collection) -> set[Path]:
    """Sounds that are compared with each other: pieces of artworks that have real music, and that music."""
    pieces = {piece.path for own in collection.systems.values() for piece in own if piece.subject.music}
    return pieces | set(collection.reference.values())


def compared(sound: Waveform) -> Float[np.ndarray, " samples"]:
    """The mean of the channels at :data:`COMPARED`."""
    return resample(sound.samples[0].mean(0), sound.sample_rate, COMPARED).numpy()
