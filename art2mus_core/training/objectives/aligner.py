"""The image aligner, the only part that sees paintings: everything else is frozen, and the loss is the prior's own.

The aligner takes the place of the audio head. Its tokens prompt the frozen GPT-2, whose language of audio conditions the
frozen UNet, which denoises the latent of the painting's own music.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from jaxtyping import Float
from torch import Tensor, nn

from ...aligners.files import save_aligner
from ...aligners.visual import VisualAligner
from ...conditioning.language import roll_out
from ...types import AudioGrid, Embedding
from ..config import TrainingConfig
from ..latents import LatentDataset
from ..objective import Batch, Objective
from ..parts import load_language_model, load_scheduler, load_unet
from .prior import diffusion_loss

__all__ = ["AlignerObjective"]


class AlignerObjective(Objective):
    """Options: `name` of the file, `crop` in latent frames, `shuffled` (a control: paintings get other pairs' music)."""

    def __init__(self, data: LatentDataset, config: TrainingConfig, grid: AudioGrid, checkpoint: Path) -> None:
        super().__init__()
        self.data, self.options, self.grid = data, config.options, grid
        self.trained = nn.ModuleDict({"aligner": VisualAligner(**config.model)})
        self.language_model = load_language_model(checkpoint)
        self.unet = load_unet(checkpoint)
        self.scheduler: DDIMScheduler = load_scheduler(checkpoint)
        self.run = "shuffled pairs" if config.options["shuffled"] else "true pairs"

    @property
    def aligner(self) -> VisualAligner:
        return cast("VisualAligner", self.trained["aligner"])

    def train(self, mode: bool = True) -> AlignerObjective:  # noqa: FBT001, FBT002 - torch's signature
        """Only the aligner goes into training mode; the frozen parts keep their dropout off."""
        super().train(mode)
        self.language_model.eval()
        self.unet.eval()
        return self

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        latent, embedding = self.data.draw(rng, size, self.options["crop"], side="image")
        if self.options["shuffled"]:
            embedding = embedding[torch.from_numpy(rng.permutation(size))]
        return {"latent": latent, "embedding": embedding}

    def language(self, embedding: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch length width"]:
        prompt = self.aligner.align(Embedding(embedding, self.data.space))
        return roll_out(self.language_model, prompt, self.grid.language_tokens).values

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        language = self.language(batch["embedding"])
        return diffusion_loss(self.unet, self.scheduler, batch["latent"], language).mean(), {}

    def validate(self) -> dict[str, float]:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            latent, embedding = self.data.held_out(96, self.options["crop"], side="image")
            losses = [
                diffusion_loss(self.unet, self.scheduler, part, self.language(e))
                for part, e in zip(latent.split(16), embedding.split(16), strict=True)
            ]
        return {"loss": torch.cat(losses).mean().item()}

    def export(self, folder: Path) -> None:
        path = folder / "aligner" / f"{self.options['name']}.safetensors"
        save_aligner(path, self.aligner, run=self.run, licence="CC0-1.0", half=True)
