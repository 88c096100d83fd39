"""The loss that the prior and the aligner share: how well the denoiser predicts the noise in the music's latents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from ...diffusion.denoiser import LatentDenoiser
from ...diffusion.levels import NoiseLevels
from ...networks.unet import UNet
from ...types import Condition, Embedding
from ..batches import LatentBatch
from ..config import TrainingConfig
from ..draws import Draw
from ..features import Dataset
from ..latents import Embeddings, Latents
from ..objective import Objective, check_crop

__all__ = ["DiffusionObjective", "diffusion_loss"]

HELD_OUT, CHUNK = 96, 16
"""Pairs of a validation, and how many of them at a time."""


def diffusion_loss(
    denoiser: LatentDenoiser, levels: NoiseLevels, batch: LatentBatch, condition: Condition
) -> Float[Tensor, " batch"]:
    """Squared error of each example (Ho et al. 2020, eq. 14)."""
    output = denoiser(levels.noised(batch.latent, batch.noise, batch.t), batch.t, condition)
    target = levels.target(batch.latent, batch.noise, batch.t)
    return F.mse_loss(output.float(), target, reduction="none").mean((1, 2, 3))


class DiffusionObjective(Objective):
    """Base of both."""

    unet: UNet
    levels: NoiseLevels
    told: Embeddings
    """What the denoiser is told of the pairs, before the language model."""

    def __init__(
        self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device, *, crop: int
    ) -> None:
        super().__init__(data, config, checkpoint, device)
        self.latents, self.crop = Latents(data, checkpoint, device), crop
        check_crop(crop, self.latents.pieces, data)

    def condition(self, embedding: Embedding) -> Condition:
        """What the denoiser is told."""
        raise NotImplementedError

    def losses(self, batch: LatentBatch) -> Float[Tensor, " batch"]:
        """Of each example."""
        return diffusion_loss(LatentDenoiser(self.unet), self.levels, batch, self.condition(batch.embedding))

    def noised(
        self,
        draw: Draw,
        rows: Int[np.ndarray, " size"],
        told: Int[np.ndarray, " size"] | None = None,
        *,
        beginning: bool = False,
    ) -> LatentBatch:
        """Latents of `rows` with noise, and the embeddings of the same pairs or of those `told`."""
        latent, noise, t = self.latents.draw(draw, rows, self.crop, len(self.levels), beginning=beginning)
        return LatentBatch(latent, noise, t, self.told.of((rows if told is None else told)[draw.part]))

    def validate(self) -> dict[str, float]:
        """The loss on held-out pairs, always with the same noise."""
        rows = self.validation_rows[:HELD_OUT]
        chunks = -(-len(rows) // CHUNK)
        losses = [
            self.losses(self.noised(draw, rows, beginning=True).to(self._place()))
            for draw in (Draw(np.random.default_rng(0), len(rows), chunk, chunks) for chunk in range(chunks))
        ]
        return {"loss": torch.cat(losses).mean().item()} if losses else {}

    def _place(self) -> torch.device:
        return self.unet.conv_in.weight.device
