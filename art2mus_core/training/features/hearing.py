"""What is computed from pieces of music, several things at once, so that each file is decoded once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from ...audio.mel import MelTransform
from ...audio.reading import read_audio
from ...audio.resample import resample
from ...datasets.faults import tried
from ...errors import ArtworkError, AudioError, DatasetError
from ...types import AudioGrid, Waveform
from ..grids import mel_of
from .shard_files import Computed
from .sources import Source

__all__ = ["FAILURES", "Heard", "HeardPart", "Mels", "Sounds", "check_finite", "hear", "mel_values"]

FAILURES = (ArtworkError, AudioError, DatasetError)
"""Errors that concern one file; others end the run."""

SHORT = 0.1
"""Seconds by which music may be shorter than its length in the manifest; silence is appended."""


class Heard:
    """A piece of music, decoded when it is first needed.

    Args:
        root: the dataset.
        source: the file.
    """

    def __init__(self, root: Path, source: Source) -> None:
        self.root, self.source = root, source
        self._whole: Waveform | None = None

    @property
    def whole(self) -> Waveform:
        """The file as it is."""
        if self._whole is None:
            self._whole = read_audio(self.root / self.source.path, mono=False)
        return self._whole

    def samples(self, grid: AudioGrid, channels: int) -> Float[Tensor, "channels samples"]:
        """The first samples, of the length in the manifest; the mean of a file's channels if it has another number.

        Decoded MP3s may be a little shorter, as encoders add a delay and frames are whole: a clip of 30 s may have 1,321,967
        samples at 44.1 kHz, which is 29.976 s.

        Raises:
            AudioError: the file cannot be decoded.
            DatasetError: it is shorter than the manifest says.
        """
        samples = self.whole.samples[0]
        if len(samples) != channels:
            samples = samples.mean(0, keepdim=True)
        samples = resample(samples, self.whole.sample_rate, grid.sample_rate)[:, : grid.samples(self.source.seconds)]
        missing = grid.samples(self.source.seconds) - samples.shape[-1]
        if missing > SHORT * grid.sample_rate:
            raise DatasetError(
                f"{self.root / self.source.path} has {samples.shape[-1] / grid.sample_rate:.2f} s instead of "
                f"{self.source.seconds:g} s",
                "the length in the manifest",
                "Remove the pair, or correct its length in the manifest.",
            )
        return pad(samples, (0, missing)).expand(channels, -1)


@runtime_checkable
class HeardPart(Protocol):
    """A part of what is computed from music."""

    @property
    def columns(self) -> Mapping[str, Any]:
        """What decides each column beside the file."""

    def __call__(self, heard: Sequence[Heard]) -> list[dict[str, np.ndarray]]:
        """The columns of each piece."""


@dataclass(frozen=True)
class Sounds:
    """Sounds as int16 [samples, channels] at the grid's rate."""

    grid: AudioGrid
    channels: int

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"sound": {"sample_rate": self.grid.sample_rate, "channels": self.channels}}

    def __call__(self, heard: Sequence[Heard]) -> list[dict[str, np.ndarray]]:
        # decoded lossy music exceeds 1, and integers would wrap
        found = [piece.samples(self.grid, self.channels).clamp(-1, 1).T for piece in heard]
        return [{"sound": (samples * 32767).round().to(torch.int16).numpy()} for samples in found]


@dataclass(frozen=True)
class Mels:
    """Mels in nats as float16 [frames, channels, bins]; sounds are padded with silence to a multiple of `multiple` frames."""

    grid: AudioGrid
    multiple: int
    channels: int

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"mel": {**mel_of(self.grid), "multiple": self.multiple, "channels": self.channels}}

    def __call__(self, heard: Sequence[Heard]) -> list[dict[str, np.ndarray]]:
        step = self.grid.hop * self.multiple
        found = [piece.samples(self.grid, self.channels) for piece in heard]
        return [{"mel": mel_values(self.grid, pad(samples, (0, -samples.shape[-1] % step)))} for samples in found]


def hear(root: Path, parts: Sequence[HeardPart], sources: Sequence[Source]) -> list[Computed]:
    """All parts of some pieces; of each piece alone if one of them fails.

    Args:
        root: the dataset.
        parts: what is computed.
        sources: files of music.
    """

    def together(some: Sequence[Source]) -> list[Computed]:
        heard = [Heard(root, source) for source in some]
        found = [dict[str, np.ndarray]() for _ in some]
        for part in parts:
            for values, more in zip(found, part(heard), strict=True):
                values.update(more)
        check_finite(found)
        return [Computed(source.content, values) for source, values in zip(some, found, strict=True)]

    return tried(together, sources, root, lambda source, fault: Computed(source.content, {}, fault), FAILURES)


def check_finite(found: Sequence[Mapping[str, np.ndarray]]) -> None:
    """Refuse values that are not finite.

    Raises:
        DatasetError: some are not.
    """
    for values in found:
        for name, value in values.items():
            if not np.isfinite(value).all():
                raise DatasetError(f"a {name} that is not finite", "finite numbers", "Leave the file out.")


def mel_values(grid: AudioGrid, samples: Float[Tensor, "channels samples"]) -> np.ndarray:
    """The mel of samples at the grid's rate in nats, float16 [frames, channels, bins]."""
    return _transform(grid)(samples).transpose(0, 1).to(torch.float16).numpy()


@lru_cache(maxsize=2)
def _transform(grid: AudioGrid) -> MelTransform:
    return MelTransform(grid)
