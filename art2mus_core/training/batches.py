"""Random draws of a training step, and the batches of examples that they give."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..errors import SettingError
from ..types import Embedding, Plan

__all__ = [
    "AlignerBatch",
    "Batch",
    "Draw",
    "FusedBatch",
    "LatentBatch",
    "MelBatch",
    "MelTarget",
    "NoisedBatch",
    "PairBatch",
    "SoundBatch",
    "VocodedBatch",
    "seeded",
]

Same = TypeVar("Same", bound="Batch")


@dataclass(frozen=True)
class Draw:
    """The random draws of one step.

    Each process draws the whole batch from a generator with the same seed, in the same order, and loads its part. Several
    processes therefore train on the same examples and noise as one.

    Attributes:
        rng: the generator of the step.
        size: number of examples of all processes.
        rank: rank of this process.
        count: number of processes; times the parts that each computes one after the other.
        drawn: the drawn rows of all processes, by the term of the loss for which they were drawn.
    """

    rng: np.random.Generator
    size: int
    rank: int = 0
    count: int = 1
    drawn: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def part(self) -> slice:
        """The examples of this process."""
        return slice(self.size * self.rank // self.count, self.size * (self.rank + 1) // self.count)

    def of(self, size: int, what: str) -> Draw:
        """Draws of another number of examples with the same generator.

        Raises:
            SettingError: the number is not divisible by the number of processes.
        """
        if size % self.count:
            raise SettingError(
                f"{what} {size} for {self.count} processes", f"a multiple of {self.count}", "Change it in the options."
            )
        return replace(self, size=size)

    def rows(
        self, among: Int[np.ndarray, " rows"], term: str = "loss", *, repeated: bool = True
    ) -> Int[np.ndarray, " size"]:
        """Random rows of a dataset for a term of the loss; each may be drawn several times if `repeated`."""
        self.drawn[term] = self.rng.choice(among, self.size, replace=repeated)
        return self.drawn[term]

    def shares(self) -> Float[np.ndarray, " size"]:
        """Uniform numbers from 0 to 1, for the start of crops or to choose a share of the examples."""
        return self.rng.random(self.size)

    def normal(self, width: int) -> Float[np.ndarray, "size width"]:
        """Standard normal noise for vectors."""
        return self.rng.standard_normal((self.size, width), dtype=np.float32)

    def levels(self, count: int) -> Int[np.ndarray, " size"]:
        """Random noise levels below `count`, spread evenly over the batch.

        Each is uniform, and together they cover the range, which reduces the variance of the gradient (Kingma et al.
        2021, "Variational Diffusion Models", appendix I).
        """
        return ((self.rng.random() + np.arange(self.size) / self.size) % 1 * count).astype(np.int64)

    def seeds(self) -> list[int]:
        """A noise seed for each example of this process."""
        return self.rng.integers(2**63, size=self.size)[self.part].tolist()


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators, which initial weights and dropout use, and restore them afterwards."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.manual_seed(seed)
        yield


@dataclass(frozen=True)
class Batch:
    """Base class: a dataclass of tensors and of further dataclasses of tensors."""

    def to(self: Same, device: torch.device) -> Same:  # noqa: PYI019  beartype knows no Self here
        """The batch on another device."""
        return _moved(self, device)


def _moved(value: Any, device: torch.device) -> Any:  # noqa: ANN401
    if isinstance(value, Tensor):
        return value.to(device)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _moved(getattr(value, each.name), device) for each in fields(value)})
    return value


@dataclass(frozen=True)
class PairBatch(Batch):
    """What the image encoder sees in pictures, and mels or the embeddings of whole pieces.

    With `character` and `tonic` (an index of `TONICS`) if the stage learns them.
    """

    seen: Float[Tensor, "batch traits"]
    mel: Float[Tensor, "batch frames bins"] | None = None
    character: Float[Tensor, "batch characters"] | None = None
    tonic: Int[Tensor, " batch"] | None = None
    heard: Float[Tensor, "batch dim"] | None = None


@dataclass(frozen=True)
class MelBatch(Batch):
    """Mels, and the noise with which the VAE samples their latents."""

    mel: Float[Tensor, "batch audio_channels frames bins"]
    noise: Float[Tensor, "batch channels h w"]


@dataclass(frozen=True)
class SoundBatch(Batch):
    """Sounds; the mels of those `reconstructed` pass through the VAE, which samples latents with `noise`."""

    sound: Float[Tensor, "batch audio_channels samples"]
    reconstructed: Bool[Tensor, " batch"]
    noise: Float[Tensor, "batch channels h w"] | None = None


@dataclass(frozen=True)
class VocodedBatch(Batch):
    """Crops of sounds of one channel with their mels; with `fused` embeddings if mels are predicted, `first` is where the crops begin."""

    mel: Float[Tensor, "batch frames bins"]
    sound: Float[Tensor, "batch samples"]
    first: Int[Tensor, " batch"]
    fused: Float[Tensor, "batch dim"] | None = None


@dataclass(frozen=True)
class NoisedBatch(Batch):
    """Scaled latents, the noise to add, its levels, and the plan that the denoiser is told."""

    latent: Float[Tensor, "batch channels frames rows"]
    noise: Float[Tensor, "batch channels frames rows"]
    t: Int[Tensor, " batch"]
    plan: Plan | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class LatentBatch(NoisedBatch):
    """A noised batch with the embeddings that condition the denoiser."""

    embedding: Embedding


@dataclass(frozen=True)
class AlignerBatch(LatentBatch):
    """A latent batch with further pairs for the alignment term: artworks' and sounds' embeddings, and the sounds' plans.

    The examples that are `dropped` are trained without their artwork.
    """

    picture: Embedding | None = None
    sound: Embedding | None = None
    composed: Plan | None = None
    dropped: Bool[Tensor, " batch"] | None = None


@dataclass(frozen=True)
class MelTarget(Batch):
    """The beginnings of normalised mels, which a regression is to give."""

    mel: Float[Tensor, "batch frames bins"]


@dataclass(frozen=True)
class FusedBatch(Batch):
    """Embeddings of comments and of artworks, and what a mel decoder is to make of both.

    Only the examples that are `told` have their text, those `shown` their artwork; the fusion has neutral ones for the others.
    """

    text: Float[Tensor, "batch text_dim"]
    image: Float[Tensor, "batch image_dim"]
    told: Bool[Tensor, " batch"]
    shown: Bool[Tensor, " batch"]
    target: Batch | None = None
