"""Features of a dataset, computed once and memory-mapped: sounds and mels."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.lib.format import open_memmap
from torch import Tensor
from torch.nn.functional import pad

from ..audio.mel import MelTransform
from ..audio.reading import read_audio
from ..datasets.manifest import Pair
from ..datasets.reading import read_pairs
from ..datasets.workers import spread
from ..errors import DatasetError
from ..placing import replacing
from ..types import AudioGrid, OnStep, Step
from .grids import mel_of

__all__ = ["Dataset", "Pieces", "cached"]

WORKERS = os.cpu_count() or 1

SHORT = 0.1
"""Seconds by which music may be shorter than its length in the manifest; silence is appended."""


@dataclass(frozen=True)
class Pieces:
    """A feature of all pairs, concatenated in a memory-mapped array.

    Attributes:
        values: [sum of lengths, ...].
        lengths: length of each pair's part.
    """

    values: np.ndarray
    lengths: Int[np.ndarray, " pairs"]

    @cached_property
    def _ends(self) -> np.ndarray:
        return self.lengths.cumsum()

    def __getitem__(self, row: int | np.integer) -> np.ndarray:
        """The part of one pair."""
        return self.values[self._ends[row] - self.lengths[row] : self._ends[row]]

    def crops(
        self, rows: Int[np.ndarray, " rows"], length: int, shares: Float[np.ndarray, " rows"] | None = None
    ) -> np.ndarray:
        """Crops as float32 [rows, length, ...]; each starts at a share of the possible starts, or at 0."""
        starts = self.starts(rows, length, shares)
        parts = [self[row][start : start + length] for row, start in zip(rows, starts, strict=True)]
        return np.stack(parts).astype(np.float32)

    def starts(
        self, rows: Int[np.ndarray, " rows"], length: int, shares: Float[np.ndarray, " rows"] | None = None
    ) -> Int[np.ndarray, " rows"]:
        """Where the crops of :meth:`crops` start."""
        room = self.lengths[rows] - length + 1
        return np.zeros(len(rows), int) if shares is None else (shares * room).astype(int)

    def shortest(self, rows: Int[np.ndarray, " rows"]) -> int:
        """The length of the shortest of these pairs."""
        return int(self.lengths[rows].min())


def cached(
    path: Path,
    lengths: Int[np.ndarray, " pairs"],
    rows: Callable[[], Iterator[np.ndarray]],
    *,
    stage: str,
    on_step: OnStep | None = None,
) -> Pieces:
    """Load a feature from `path`; compute it pair by pair and write it first if the file does not exist.

    The arrays of `rows` have the given `lengths`, and the same further sizes and type.
    """
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial_file:
            array, end = None, 0
            for index, row in enumerate(rows()):
                if array is None:
                    array = open_memmap(partial_file, "w+", row.dtype, (int(lengths.sum()), *row.shape[1:]))
                array[end : (end := end + int(lengths[index]))] = row
                if on_step:
                    on_step(Step(stage, index + 1, len(lengths)))
            del array
    return Pieces(np.load(path, mmap_mode="r"), lengths)


class Dataset:
    """A dataset folder and its features for one audio grid.

    Args:
        folder: folder of the manifest; its folder `features` stores features.
        grid: sizes of the mels.
        on_step: called with each computed feature.

    Raises:
        DatasetError: no manifest, or a pair without a length of its music.
    """

    def __init__(self, folder: Path, grid: AudioGrid, on_step: OnStep | None = None) -> None:
        self.folder, self.grid, self.on_step = Path(folder), grid, on_step
        self.pairs = read_pairs(self.folder)
        for pair in self.pairs:
            if not 0 < pair.seconds < math.inf:
                raise DatasetError(
                    f"{pair.music} of {pair.seconds} s in {folder}", "its length", "Correct the manifest."
                )
        self.samples = np.array([grid.samples(pair.seconds) for pair in self.pairs])

    def rows(self, split: str) -> Int[np.ndarray, " rows"]:
        """Indices of the pairs of a split."""
        return np.array([index for index, pair in enumerate(self.pairs) if pair.split == split], int)

    def feature(self, name: str, *origin: object) -> Path:
        """The file of a feature; its name has a digest of the pairs and of the `origin` of the feature."""
        identity = [f"{pair.artwork} {pair.artwork_sha256} {pair.music} {pair.seconds}" for pair in self.pairs]
        digest = hashlib.sha256("\n".join([*map(str, origin), *identity]).encode()).hexdigest()
        return self.folder / "features" / f"{name}-{digest[:12]}.npy"

    def sounds(self, channels: int = 1) -> Pieces:
        """Sounds of the length in the manifest, int16 [samples, channels]; the mean of a file's channels if it has another number."""
        compute = partial(_sound, self.folder, self.grid, channels)
        return self.each(f"sound-{self.grid.sample_rate}-{channels}", compute, self.samples)

    def mels(self, multiple: int = 1, channels: int = 1) -> Pieces:
        """Mels in nats, float16 [frames, channels, bins]; sounds are padded with silence to a multiple of `multiple` frames."""
        frames = -(-self.samples // (self.grid.hop * multiple)) * multiple
        compute = partial(_mel, self.folder, self.grid, multiple, channels)
        return self.each("mel", compute, frames, mel_of(self.grid), frames.sum(), channels)

    def each(
        self, name: str, compute: Callable[[Pair], np.ndarray], lengths: Int[np.ndarray, " pairs"], *origin: object
    ) -> Pieces:
        """A feature that is computed in several processes."""
        path = self.feature(name, *origin)
        return cached(path, lengths, lambda: spread(compute, self.pairs, WORKERS), stage=name, on_step=self.on_step)


def _sound(folder: Path, grid: AudioGrid, channels: int, pair: Pair) -> np.ndarray:
    samples = _music(folder, grid, channels, pair).clamp(
        -1, 1
    )  # decoded lossy music exceeds 1, and integers would wrap
    return (samples.T * 32767).round().to(torch.int16).numpy()


def _mel(folder: Path, grid: AudioGrid, multiple: int, channels: int, pair: Pair) -> np.ndarray:
    samples = _music(folder, grid, channels, pair)
    whole = pad(samples, (0, -samples.shape[-1] % (grid.hop * multiple)))
    return MelTransform(grid)(whole).transpose(0, 1).to(torch.float16).numpy()


def _music(folder: Path, grid: AudioGrid, channels: int, pair: Pair) -> Float[Tensor, "channels samples"]:
    """The first samples of the pair's music, of the length in the manifest.

    Decoded MP3s may be a little shorter, as encoders add a delay and frames are whole: a clip of 30 s may have 1,321,967
    samples at 44.1 kHz, which is 29.976 s.
    """
    samples = read_audio(folder / pair.music, grid.sample_rate, mono=channels == 1).samples[0]
    if len(samples) != channels:
        samples = samples.mean(0, keepdim=True).expand(channels, -1)
    missing = grid.samples(pair.seconds) - samples.shape[-1]
    if missing > SHORT * grid.sample_rate:
        raise DatasetError(
            f"{folder / pair.music} has {samples.shape[-1] / grid.sample_rate:.2f} s",
            f"the {pair.seconds:g} s of the manifest",
            "Remove the pair, or correct its length in the manifest.",
        )
    return pad(samples, (0, missing))
