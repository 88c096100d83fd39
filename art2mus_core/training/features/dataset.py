"""A dataset and its stored features: each file is read once, however many pairs it is in."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int

from ...datasets.engines import engine
from ...datasets.faults import Tally
from ...datasets.reading import read_pairs
from ...datasets.shards import Spread
from ...datasets.unpaired import is_unpaired, read_music
from ...errors import DatasetError
from ...types import AudioGrid, OnStep
from .hearing import HeardPart, Mels, Sounds, hear
from .looking import SeenPart, look
from .pieces import Pieces
from .sources import Side, read_sides
from .stores import Feature, Store, complete_store, open_store

__all__ = ["FEATURES", "Dataset", "Kind", "Pieces", "Working"]

FEATURES = "features"
"""Folder of the stores in a dataset."""

BATCH = 16
"""Files that a network gets at once, except on a CPU: there a batch saves no time, and single files keep all processes at work."""

SMALL = 2**28
"""Bytes of weights up to which every process may have a network of its own."""

SHOWN = 10
"""Faults that an error lists."""

Kind = Literal["artworks", "music"]
"""A side of a dataset."""


@dataclass(frozen=True)
class Working:
    """How features are computed.

    Attributes:
        engine: `local` or `ray`.
        workers: number of processes; None for one on every core, or this one alone for a large network or a GPU.
        retry: try files that failed again, one by one.
        faults: share of the pairs that may be left out because of their files.
    """

    engine: str = "local"
    workers: int | None = None
    retry: bool = False
    faults: float = 0.02

    def spread(self, device: str = "cpu", weights: int = 0) -> Spread:
        """The engine for a network of so many bytes on a device."""
        alone = self.engine == "local" and (device != "cpu" or weights > SMALL)
        return engine(self.engine, self.workers or (1 if alone else os.cpu_count() or 1))


class Dataset:
    """A dataset folder and its features for one audio grid.

    Pairs are left out whose files cannot be read, as soon as a feature of those files was computed.

    Args:
        folder: folder of the manifest or the tables; its folder `features` stores features.
        grid: sizes of the mels.
        on_step: called with each computed feature.
        working: how features are computed.

    Attributes:
        pairs: all pairs. A dataset that was scanned without being paired has one for each piece of music.
        artworks: the artworks, each once, and that of each pair.
        music: the music, each piece once, and that of each pair.
        left_out: why pairs are left out, by their row.
        stores: those that were opened, by their folder, each with its side.

    Raises:
        DatasetError: no manifest, or a pair without a length of its music.
    """

    def __init__(
        self, folder: Path, grid: AudioGrid, on_step: OnStep | None = None, working: Working | None = None
    ) -> None:
        self.folder, self.grid, self.on_step, self.working = Path(folder), grid, on_step, working or Working()
        self.unpaired = is_unpaired(self.folder)
        self.pairs = read_music(self.folder) if self.unpaired else read_pairs(self.folder)
        for pair in self.pairs:
            if not 0 < pair.seconds < math.inf:
                raise DatasetError(
                    f"{pair.music} of {pair.seconds} s in {folder}", "its length", "Correct the manifest."
                )
        self.artworks, self.music = read_sides(self.folder, self.pairs, unpaired=self.unpaired)
        self.samples = np.array([grid.samples(pair.seconds) for pair in self.pairs], int)
        self.left_out = dict[int, str]()
        self.stores = dict[Path, tuple[Kind, Store]]()
        self._splits = np.array([pair.split for pair in self.pairs], str)
        self._rows = dict[str, np.ndarray]()

    def rows(self, split: str) -> Int[np.ndarray, " rows"]:
        """Indices of the pairs of a split that are not left out.

        Raises:
            DatasetError: all of them are.
        """
        if split not in self._rows:
            rows = np.flatnonzero(self._splits == split)
            kept = np.array([row for row in rows if row not in self.left_out], int)
            if len(rows) and not len(kept):
                raise DatasetError(
                    f"all {len(rows)} pairs of the split {split} in {self.folder} are left out ({self.left_out[rows[0]]})",
                    "pairs of files that can be read",
                    "Repair the files, then run `art2mus prepare` with --retry.",
                )
            self._rows[split] = kept
        return self._rows[split]

    @property
    def kept(self) -> Int[np.ndarray, " rows"]:
        """Indices of the pairs that are not left out."""
        return np.array([row for row in range(len(self.pairs)) if row not in self.left_out], int)

    @property
    def faults(self) -> Tally:
        """The faults of files, of which a feature was computed."""
        tally = Tally()
        for kind, store in self.stores.values():
            for row, fault in store.faults.items():
                tally.note(self.side(kind).files[row], fault)
        return tally

    def why_left_out(self, most: int) -> str:
        """The first files, at most `most`, because of which pairs are left out, each with its fault."""
        return _listed(list(dict.fromkeys(self.left_out.values())), most)

    def frames(self, multiple: int = 1) -> Int[np.ndarray, " pairs"]:
        """Mel frames of the music of every pair, as :meth:`mels` has them; files are not opened."""
        return -(-self.samples // (self.grid.hop * multiple)) * multiple

    def sounds(self, channels: int = 1) -> Pieces:
        """Sounds of the length in the manifest, int16 [samples, channels]; the mean of a file's channels if it has another number."""
        return self.heard("sounds", [Sounds(self.grid, channels)], size=8)["sound"]

    def mels(self, multiple: int = 1, channels: int = 1) -> Pieces:
        """Mels in nats, float16 [frames, channels, bins]; sounds are padded with silence to a multiple of `multiple` frames."""
        return self.heard("mels", [Mels(self.grid, multiple, channels)])["mel"]

    def heard(
        self,
        name: str,
        parts: Sequence[HeardPart],
        *,
        device: str = "cpu",
        weights: int = 0,
        size: int = 32,
    ) -> dict[str, Pieces]:
        """Columns of the music of every pair, computed in one go if they are not stored.

        Args:
            name: of the store.
            parts: what is computed.
            device: of the networks.
            weights: bytes of the networks.
            size: files of a shard.
        """
        columns = {column: origin for part in parts for column, origin in part.columns.items()}
        feature = Feature(name, columns, partial(hear, self.folder, parts), _batch(device), size)
        return self._opened("music", feature, self.working.spread(device, weights))

    def seen(self, name: str, part: SeenPart, *, device: str = "cpu", weights: int = 0) -> dict[str, Pieces]:
        """Columns of all artworks, computed if they are not stored; `artworks.of` tells which is that of a pair.

        Args:
            name: of the store.
            part: what is computed.
            device: of the network.
            weights: bytes of the network.
        """
        feature = Feature(name, part.columns, partial(look, self.folder, part), _batch(device))
        return self._opened("artworks", feature, self.working.spread(device, weights))

    def stored(self, kind: Kind, part: HeardPart | SeenPart) -> Store | None:
        """The complete store of a part; None if there is none."""
        opened = (store for side, store in self.stores.values() if side == kind and store.has(part.columns))
        return next(opened, None) or complete_store(self.folder / FEATURES, part.columns, self.side(kind).files)

    def side(self, kind: Kind) -> Side:
        """The artworks, or the music."""
        return self.artworks if kind == "artworks" else self.music

    def _opened(self, kind: Kind, feature: Feature, spread: Spread) -> dict[str, Pieces]:
        side, retry = self.side(kind), self.working.retry
        opened = (store for has, store in self.stores.values() if has == kind and store.has(feature.columns))
        store = next(opened, None) or open_store(
            self.folder / FEATURES, feature, side.files, spread, retry=retry, on_step=self.on_step
        )
        self.stores[store.folder] = kind, store
        self._leave_out(kind, store)
        columns = {name: store.column(name) for name in feature.columns}
        return columns if kind == "artworks" else {name: column.rows(side.of) for name, column in columns.items()}

    def _leave_out(self, kind: Kind, store: Store) -> None:
        """Leave out the pairs of files that failed.

        Raises:
            DatasetError: they are too many.
        """
        side = self.side(kind)
        for row in np.flatnonzero(np.isin(side.of, list(store.faults))):
            source = side.files[side.of[row]]
            self.left_out.setdefault(int(row), f"{source.path}: {store.faults[side.of[row]]}")
        self._rows.clear()
        reasons = list(dict.fromkeys(self.left_out.values()))
        count, total = len(self.left_out), len(self.pairs)
        if self.unpaired and kind == "artworks":
            reasons = [f"{side.files[row].path}: {fault}" for row, fault in store.faults.items()]
            count, total = len(reasons), len(side.files)
        if count > self.working.faults * total:
            raise DatasetError(
                f"{count} of {total} {'pairs' if not self.unpaired else kind} in {self.folder} have a file that cannot be used: "
                f"{_listed(reasons, SHOWN)}",
                f"at most {self.working.faults:.0%} of them",
                "Repair the files, then run `art2mus prepare` with --retry; or raise `faults` in the configuration.",
            )


def _listed(reasons: Sequence[str], most: int) -> str:
    more = f", and {len(reasons) - most} more files" if len(reasons) > most else ""
    return f"{'; '.join(reasons[:most])}{more}"


def _batch(device: str) -> int:
    return 1 if device == "cpu" else BATCH
