"""The works of a run's previews: chosen pictures, or artworks and music of the validation split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...datasets.manifest import Pair
from ...errors import DatasetError
from ...images.reading import read_artwork
from ...measure.sound.music import SHORTEST
from ...naming import name_files
from ...pipelines.comments import tidied
from ...types import Artwork
from ..features.dataset import Dataset
from ..objective import Objective
from ..objectives.hifigan import HifiGanObjective

__all__ = ["Work", "Works", "first_artworks", "first_music", "pairs_of_artworks", "pairs_of_music", "works_of"]

FEW = 4
"""Number of works by default."""

LONGEST = 200
"""Bytes of a file's name without its suffix."""

DIGITS = 12


@dataclass(frozen=True)
class Work:
    """What is performed.

    Attributes:
        picture: file of the artwork; None if there is none.
        artwork: the artwork, if music is composed for it.
        comments: what viewers said about it, if that is read.
        row: the pair, if it is its music that is performed.
    """

    picture: Path | None = None
    artwork: Artwork | None = None
    comments: tuple[str, ...] = ()
    row: int = -1

    @property
    def digest(self) -> str:
        """Identifies what is performed in a run, whatever its files are named."""
        told = [self.artwork and self.artwork.sha256, self.comments, self.row]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:DIGITS]


Works = dict[str, Work]
"""Works by the name of their files."""


def works_of(pictures: Sequence[Path]) -> Works:
    """Chosen pictures, on which there are no comments.

    Raises:
        ArtworkError: one cannot be read.
    """
    return _named(pictures, [Work(path, read_artwork(path)) for path in pictures])


def _named(paths: Sequence[Path], works: Sequence[Work]) -> Works:
    names = name_files([path.stem for path in paths], LONGEST)
    return {name.stem: work for name, work in zip(names, works, strict=True)}


def _first(data: Dataset, path: Callable[[Pair], str], what: str, remedy: str) -> dict[int, Pair]:
    """The first validation pairs by their rows, one of each file.

    Args:
        data: the dataset.
        path: that of a pair's file; empty if it has none that can be used.
        what: the files, for the message.
        remedy: what to do if there are none.

    Raises:
        DatasetError: there are none.
    """
    rows = {path(data.pairs[row]): int(row) for row in data.rows("validation")[::-1]}
    found = sorted(row for name, row in rows.items() if name)[:FEW]
    if not found:
        came = f"previews of the validation split, and {data.folder} has no {what} in it"
        raise DatasetError(came, f"{what} to validate with", remedy)
    return {row: data.pairs[row] for row in found}


def pairs_of_artworks(data: Dataset) -> dict[int, Pair]:
    """The pairs of the first artworks of the validation split, by their rows.

    Raises:
        DatasetError: there are none.
    """
    remedy = "Name pictures in the field previews, or set preview_every to 0."
    return _first(data, lambda pair: pair.artwork, "artworks", remedy)


def pairs_of_music(data: Dataset) -> dict[int, Pair]:
    """The pairs of the first music of the validation split that can be measured, by their rows.

    Raises:
        DatasetError: there is none.
    """
    least = SHORTEST + data.grid.hop / data.grid.sample_rate  # whole frames are taken of it
    what, remedy = f"music of more than {SHORTEST:g} s", "Set preview_every to 0."
    return _first(data, lambda pair: pair.music if pair.seconds >= least else "", what, remedy)


def first_artworks(objective: Objective, *, commented: bool) -> Works:
    """The first artworks of the validation split; with the comments of each one's first pair if `commented`.

    Raises:
        DatasetError: there are none.
        ArtworkError: one cannot be read.
    """
    pairs = pairs_of_artworks(objective.data).values()
    paths = [objective.data.folder / pair.artwork for pair in pairs]
    told = [tidied(pair.comments) if commented else () for pair in pairs]
    return _named(paths, [Work(path, read_artwork(path), said) for path, said in zip(paths, told, strict=True)])


def first_music(objective: HifiGanObjective) -> Works:
    """The first music of the validation split that can be measured; with comments on its artwork if mels are predicted.

    Raises:
        DatasetError: there is none.
    """
    pairs = pairs_of_music(objective.data)
    works = []
    for row, pair in pairs.items():
        picture = objective.data.folder / pair.artwork if pair.artwork else None
        works.append(Work(picture, None, tidied(pair.comments) if objective.predicted else (), row))
    return _named([Path(pair.music) for pair in pairs.values()], works)
