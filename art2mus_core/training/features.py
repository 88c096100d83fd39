"""Features of a dataset, computed once and mapped from disk: pictures, sounds, mels, embeddings and latents."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.lib.format import open_memmap
from torch import Tensor
from torch.nn.functional import pad

from ..audio.mel import MelTransform
from ..audio.reading import read_audio
from ..datasets.manifest import Pair, read_manifest
from ..datasets.workers import spread
from ..errors import DatasetError
from ..images.reading import as_square, read_artwork
from ..placing import replacing
from ..types import AudioGrid, OnStep, Step

__all__ = ["Dataset", "cached"]

WORKERS = os.cpu_count() or 1

SHORT = 0.1
"""Seconds by which music may fall short of its length; silence takes their place."""


def cached(
    path: Path, count: int, rows: Callable[[], Iterator[np.ndarray]], *, stage: str, on_step: OnStep | None = None
) -> np.ndarray:
    """An array of `count` rows mapped from `path`; computed row by row and written at the end if it is not there.

    All rows have the shape and type of the first.
    """
    if path.is_file():
        return np.load(path, mmap_mode="r")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial_file:
        array = None
        for index, row in enumerate(rows()):
            if array is None:
                array = open_memmap(partial_file, "w+", row.dtype, (count, *row.shape))
            array[index] = row
            if on_step:
                on_step(Step(stage, index + 1, count))
        del array
    return np.load(path, mmap_mode="r")


class Dataset:
    """A dataset folder and its features on one audio grid.

    Args:
        folder: holds the manifest; features are kept in its folder `features`.
        grid: of the mels.
        size: side of the pictures' squares.
    """

    def __init__(self, folder: Path, grid: AudioGrid, size: int, on_step: OnStep | None = None) -> None:
        self.folder, self.grid, self.size, self.on_step = Path(folder), grid, size, on_step
        self.pairs = read_manifest(self.folder)
        lengths = {pair.seconds for pair in self.pairs}
        if len(lengths) != 1:
            raise DatasetError(
                f"music of {len(lengths)} different lengths in {folder}", "one length", "Cut the music to one length."
            )

    def rows(self, split: str) -> np.ndarray:
        """Row numbers of a split."""
        return np.array([index for index, pair in enumerate(self.pairs) if pair.split == split])

    def feature(self, name: str) -> Path:
        """Where a feature is kept: another set of pairs in the same folder has other files."""
        identity = [f"{pair.artwork} {pair.artwork_sha256} {pair.music} {pair.seconds}" for pair in self.pairs]
        digest = hashlib.sha256("\n".join(identity).encode()).hexdigest()
        return self.folder / "features" / f"{name}-{digest[:8]}.npy"

    def pictures(self) -> np.ndarray:
        """uint8 [N, 3, size, size]."""
        return self._feature(f"pictures-{self.size}", partial(_picture, self.folder, self.size))

    def sounds(self) -> np.ndarray:
        """int16 [N, samples]."""
        return self._feature(f"sounds-{self.grid.sample_rate}", partial(_sound, self.folder, self.grid))

    def mels(self) -> np.ndarray:
        """float16 [N, T, bins], natural logarithm."""
        grid = self.grid
        name = f"mels-{grid.scale}-{grid.sample_rate}-{grid.hop}-{grid.mel_bins}"
        return self._feature(name, partial(_mel, self.folder, grid))

    def _feature(self, name: str, compute: Callable[[Pair], np.ndarray]) -> np.ndarray:
        def rows() -> Iterator[np.ndarray]:
            return spread(compute, self.pairs, WORKERS)

        return cached(self.feature(name), len(self.pairs), rows, stage=name, on_step=self.on_step)


def _picture(folder: Path, size: int, pair: Pair) -> np.ndarray:
    square = as_square(read_artwork(folder / pair.artwork), size)
    return (square * 255).round().to(torch.uint8).numpy()


def _sound(folder: Path, grid: AudioGrid, pair: Pair) -> np.ndarray:
    samples = _music(folder, grid, pair)[0].clamp(-1, 1)  # lossy music goes beyond, and integers would wrap
    return (samples * 32767).round().to(torch.int16).numpy()


def _mel(folder: Path, grid: AudioGrid, pair: Pair) -> np.ndarray:
    return MelTransform(grid)(_music(folder, grid, pair))[0].to(torch.float16).numpy()


def _music(folder: Path, grid: AudioGrid, pair: Pair) -> Float[Tensor, "1 samples"]:
    """As many samples as the pair's seconds have, decoded from the beginning.

    An MP3 is whole frames and begins with its encoder's delay: a clip of 30 s may have 1,321,967 samples at 44.1 kHz, 29.976 s.
    """
    samples = read_audio(folder / pair.music, grid.sample_rate).samples[:, 0]
    missing = grid.samples(pair.seconds) - samples.shape[-1]
    if missing > SHORT * grid.sample_rate:
        raise DatasetError(
            f"{folder / pair.music} has {samples.shape[-1] / grid.sample_rate:.2f} s",
            f"the {pair.seconds:g} s of the manifest",
            "Leave the pair out, or cut all music to one length.",
        )
    return pad(samples, (0, missing))
