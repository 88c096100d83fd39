"""A collection while it is scored: what is embedded, heard and seen in it, each thing once."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float64, Int

from ..audio.reading import read_tags
from ..images.reading import read_artwork
from ..measure.pictures import ImageStatistics, percentiles
from ..measure.pictures import measure as measure_artwork
from ..types import OnStep, Step
from .collection import Collection, Piece
from .reading import signals_of_all

if TYPE_CHECKING:
    from ..measure.sound.faults import Faults
    from ..measure.sound.music import Music
    from .embedders import Classifier, Embedder
    from .embedders.features import FeatureCache

__all__ = ["Row", "Study"]

Windows = Float64[np.ndarray, "windows dim"]
Asked = TypeVar("Asked", Path, str)


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
    _known: dict[tuple[str, str, Path | str], np.ndarray] = field(default_factory=dict, repr=False)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Every system on every group that it has pieces for."""
        items, groups = self.collection.items, self.collection.groups
        found = []
        for system, pieces in self.collection.systems.items():
            for group in groups:
                own = tuple(piece for piece in pieces if items[piece.id].group == group)
                title = system if len(groups) == 1 else f"{system} · {group}"
                found += [Row(system, group, title, own)] if own else []
        return tuple(found)

    def heard(self, embedder: str, paths: Sequence[Path]) -> list[Windows]:
        """Embeddings of sounds, a row a window."""
        hear = partial(self.features.sounds, self.embedders[embedder], on_step=self.on_step)
        return self._once("heard", embedder, paths, hear)

    def vectors(self, embedder: str, paths: Sequence[Path]) -> Float64[np.ndarray, "sounds dim"]:
        """One embedding a sound: the mean over its windows."""
        return np.stack([windows.mean(0) for windows in self.heard(embedder, paths)])

    def seen(self, embedder: str, row: Row) -> Float64[np.ndarray, "pieces dim"]:
        """The embedding of each piece's artwork."""
        paths = [self.collection.artworks[piece.id] for piece in row.pieces]
        see = partial(self.features.artworks, self.embedders[embedder], on_step=self.on_step)
        return np.stack(self._once("seen", embedder, paths, see))

    def read(self, embedder: str, texts: Sequence[str]) -> Float64[np.ndarray, "texts dim"]:
        """Embeddings of words."""
        read = partial(self.features.texts, self.embedders[embedder], on_step=self.on_step)
        return np.stack(self._once("read", embedder, texts, read))

    def probabilities(self, paths: Sequence[Path]) -> Float64[np.ndarray, "sounds classes"]:
        """What the classifier makes of sounds; there has to be one."""
        assert self.classifier is not None  # noqa: S101
        name = partial(self.features.probabilities, self.classifier, on_step=self.on_step)
        return np.stack(self._once("named", self.classifier.name, paths, name))

    def _once(
        self, kind: str, judge: str, asked: Sequence[Asked], find: Callable[[list[Asked]], Iterable[np.ndarray]]
    ) -> list[np.ndarray]:
        """What a judge said of files or words; only what is new is found."""
        new = [each for each in dict.fromkeys(asked) if (kind, judge, each) not in self._known]
        if new:
            self._known |= {(kind, judge, each): row for each, row in zip(new, find(new), strict=True)}
        return [self._known[kind, judge, each] for each in asked]

    def facts(self, row: Row) -> list[Music]:
        """What is heard in each piece."""
        return [self._signals[path][0] for path in row.paths]

    def faults(self, row: Row) -> list[Faults]:
        """What is wrong with each piece."""
        return [self._signals[path][1] for path in row.paths]

    @cached_property
    def _signals(self) -> dict[Path, tuple[Music, Faults]]:
        paths = sorted({path for row in self.rows for path in row.paths})
        found = signals_of_all(paths, workers=self.workers, on_step=self.on_step)
        return dict(zip(paths, found, strict=True))

    @cached_property
    def statistics(self) -> dict[str, ImageStatistics]:
        """What is measured in the artworks, by id."""
        artworks, found = self.collection.artworks, {}
        for done, (key, path) in enumerate(artworks.items(), start=1):
            found[key] = measure_artwork(read_artwork(path))
            if self.on_step:
                self.on_step(Step("measure artworks", done, len(artworks)))
        return found

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
