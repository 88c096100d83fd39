"""The image aligner, the only part that sees paintings: everything else is frozen, and the loss is the prior's own.

The aligner takes the place of the audio head. Its tokens prompt the frozen GPT-2, whose language of audio conditions the
frozen UNet, which denoises the latent of the painting's own music. That loss is noisy and each step of it costs a pass through
the UNet, so beside it the aligner imitates the head: from a painting it should say what the head says of the painting's own
music. This costs next to nothing on hundreds of pairs a step and gives the direction; the diffusion loss has the last word.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...aligners.files import save_aligner
from ...aligners.visual import VisualAligner
from ...conditioning.language import fingerprint, load_language_model, roll_out
from ...types import AudioGrid, Embedding
from ..config import TrainingConfig
from ..latents import LatentDataset
from ..objective import Batch, Objective
from ..parts import load_noise_levels, load_projection_head, load_unet
from .prior import diffusion_loss

__all__ = ["AlignerObjective"]


class AlignerObjective(Objective):
    """The aligner and the frozen parts that judge it.

    Options: `name` of the file, `crop` in latent frames, `shuffled` (a control: every painting gets another pair's music),
    `imitation` weight and `imitated` pairs a step.
    """

    def __init__(self, data: LatentDataset, config: TrainingConfig, grid: AudioGrid, checkpoint: Path) -> None:
        super().__init__()
        self.data, self.options, self.grid, self.checkpoint = data, config.options, grid, checkpoint
        self.trained = nn.ModuleDict({"aligner": VisualAligner(**config.model)})
        self.head = load_projection_head(checkpoint)
        self.language_model = load_language_model(checkpoint)
        self.unet = load_unet(checkpoint)
        self.levels = load_noise_levels(checkpoint)
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
        picture, sound = self.data.draw_embeddings(rng, self.options["imitated"])
        if self.options["shuffled"]:
            embedding, picture = (torch.roll(side, int(rng.integers(1, len(side))), 0) for side in (embedding, picture))
        return {"latent": latent, "embedding": embedding, "picture": picture, "sound": sound}

    def language(self, embedding: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch length width"]:
        prompt = self.aligner.align(Embedding(embedding, self.data.space))
        return roll_out(self.language_model, prompt, self.grid.language_tokens).values

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        language = self.language(batch["embedding"])
        diffusion = diffusion_loss(self.unet, self.levels, batch["latent"], language).mean()
        imitation = self._imitation(batch["picture"], batch["sound"])
        figures = {"diffusion": diffusion.detach(), "imitation": imitation.detach()}
        return diffusion + self.options["imitation"] * imitation, figures

    def _imitation(self, picture: Float[Tensor, "pairs dim"], sound: Float[Tensor, "pairs dim"]) -> Tensor:
        """Squared error of the language of audio against the head's, as a share of the head's variance."""
        with torch.no_grad():
            prompt = self.head.align(Embedding(sound, self.data.space))
            wanted = roll_out(self.language_model, prompt, self.grid.language_tokens).values.float()
        return (self.language(picture).float() - wanted).square().mean() / wanted.var(0).mean()

    def validate(self) -> dict[str, float]:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            latent, embedding = self.data.held_out(96, self.options["crop"], side="image")
            losses = [
                diffusion_loss(self.unet, self.levels, part, self.language(e))
                for part, e in zip(latent.split(16), embedding.split(16), strict=True)
            ]
        return {"loss": torch.cat(losses).mean().item()}

    def export(self, folder: Path) -> None:
        path = folder / "aligner" / f"{self.options['name']}.safetensors"
        prior, language = self.checkpoint.resolve().name, fingerprint(self.checkpoint)
        save_aligner(path, self.aligner, run=self.run, licence="CC0-1.0", half=True, prior=prior, language=language)
