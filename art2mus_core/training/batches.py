"""The examples of one step, by stage."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..types import Embedding

__all__ = ["AlignerBatch", "Batch", "LatentBatch", "MelBatch", "PairBatch", "SoundBatch"]

Same = TypeVar("Same", bound="Batch")


@dataclass(frozen=True)
class Batch:
    """Base of all: tensors, and what holds tensors."""

    def to(self: Same, device: torch.device) -> Same:  # noqa: PYI019  beartype knows no Self here
        """The same on a device."""
        return _moved(self, device)


def _moved(value: Any, device: torch.device) -> Any:  # noqa: ANN401
    if isinstance(value, Tensor):
        return value.to(device)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _moved(getattr(value, each.name), device) for each in fields(value)})
    return value


@dataclass(frozen=True)
class PairBatch(Batch):
    """Pictures and mels of pairs; `character` and `tonic` (its row in `TONICS`) where the sound's character is learnt."""

    picture: Float[Tensor, "batch 3 height width"]
    mel: Float[Tensor, "batch frames bins"]
    character: Float[Tensor, "batch characters"] | None = None
    tonic: Int[Tensor, " batch"] | None = None


@dataclass(frozen=True)
class MelBatch(Batch):
    """Mels, and the noise with which their latents are drawn."""

    mel: Float[Tensor, "batch 1 frames bins"]
    noise: Float[Tensor, "batch channels h w"]


@dataclass(frozen=True)
class SoundBatch(Batch):
    """Sounds; where `reconstructed`, their mels go through the VAE, whose latents are drawn with the noise."""

    sound: Float[Tensor, "batch samples"]
    reconstructed: Bool[Tensor, " batch"]
    noise: Float[Tensor, "batch channels h w"] | None = None


@dataclass(frozen=True)
class LatentBatch(Batch):
    """Scaled latents, the noise that is added to them, its level, and what the denoiser is told."""

    latent: Float[Tensor, "batch channels frames rows"]
    noise: Float[Tensor, "batch channels frames rows"]
    t: Int[Tensor, " batch"]
    embedding: Embedding


@dataclass(frozen=True)
class AlignerBatch(LatentBatch):
    """With pairs in whose place the projection head is imitated: embeddings of artworks and of their sounds."""

    picture: Embedding | None = None
    sound: Embedding | None = None
