"""The audio prior, from audio alone.

A sound's embedding becomes prompt tokens, GPT-2 makes the language of audio of them, and the UNet learns to denoise the
sound's latent under it. Head, GPT-2 and UNet learn together.

The linear head plays CLAP's role. A share of the examples has its embedding replaced by zeros; what GPT-2 makes of those
is the unconditional language of audio, which guidance needs and which is stored as a constant.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ...aligners.head import ProjectionHead
from ...checkpoints.folder import save_component, save_config, save_index
from ...conditioning.constants import Constants, save_constants
from ...conditioning.language import fingerprint, roll_out
from ...diffusion.levels import NoiseLevels, read_levels
from ...networks.gpt2 import GPT2
from ...networks.unet import UNet
from ...types import AudioGrid, Embedding
from ..config import TrainingConfig
from ..latents import LatentDataset
from ..objective import Batch, Objective

__all__ = ["PriorObjective", "diffusion_loss"]

COMPONENTS = {
    "image_encoder": ["art2mus", "PocketImageEncoder"],
    "audio_encoder": ["art2mus", "PocketAudioEncoder"],
    "projection_model": ["art2mus", "ProjectionHead"],
    "language_model": ["transformers", "GPT2Model"],
    "unet": ["diffusers", "AudioLDM2UNet2DConditionModel"],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "vae": ["diffusers", "AutoencoderKL"],
    "vocoder": ["art2mus", "TonewheelVocoder"],
}


def diffusion_loss(
    unet: nn.Module,
    levels: NoiseLevels,
    latent: Float[Tensor, "batch channels frames rows"],
    language: Float[Tensor, "batch length width"],
) -> Float[Tensor, " batch"]:
    """Squared error an example (Ho et al. 2020, eq. 14) at random timesteps spread evenly over the batch.

    Each timestep alone is uniform; together they cover the range, which makes the gradient less noisy (Kingma et al. 2021,
    "Variational Diffusion Models", appendix I).
    """
    count = len(latent)
    share = (torch.rand(1) + torch.arange(count) / count) % 1
    t = (share * len(levels)).long().to(latent.device)
    noise = torch.randn_like(latent)
    output = unet(levels.noised(latent, noise, t), t, language)
    return F.mse_loss(output.float(), levels.target(latent, noise, t), reduction="none").mean((1, 2, 3))


class PriorObjective(Objective):
    """Projection head, GPT-2 and UNet, trained together.

    Options: `crop` in latent frames, `drop` share of unconditional examples, `scheduler` configuration, `defaults` of the
    finished checkpoint (steps, guidance, solver).
    """

    def __init__(self, data: LatentDataset, config: TrainingConfig, grid: AudioGrid) -> None:
        super().__init__()
        self.data, self.options, self.grid = data, config.options, grid
        self.trained = nn.ModuleDict(
            {
                "projection_model": ProjectionHead.from_config(config.model["projection_model"]),
                "language_model": GPT2(config.model["language_model"]),
                "unet": UNet(config.model["unet"]),
            }
        )
        self.levels = read_levels(config.options["scheduler"])
        self.space = data.space

    @property
    def projection_model(self) -> ProjectionHead:
        return cast("ProjectionHead", self.trained["projection_model"])

    @property
    def language_model(self) -> GPT2:
        return cast("GPT2", self.trained["language_model"])

    @property
    def unet(self) -> UNet:
        return cast("UNet", self.trained["unet"])

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        latent, embedding = self.data.draw(rng, size, self.options["crop"], side="audio")
        keep = torch.from_numpy(rng.random(size) >= self.options["drop"])
        return {"latent": latent, "embedding": embedding * keep[:, None]}

    def language(self, embedding: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch length width"]:
        prompt = self.projection_model.align(Embedding(embedding, self.space))
        return roll_out(self.language_model, prompt, self.grid.language_tokens).values

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        language = self.language(batch["embedding"])
        return diffusion_loss(self.unet, self.levels, batch["latent"], language).mean(), {}

    def validate(self) -> dict[str, float]:
        """The loss on held-out pairs, always with the same noise."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            latent, embedding = self.data.held_out(96, self.options["crop"], side="audio")
            losses = [
                diffusion_loss(self.unet, self.levels, part, self.language(e))
                for part, e in zip(latent.split(16), embedding.split(16), strict=True)
            ]
        return {"loss": torch.cat(losses).mean().item()}

    def export(self, folder: Path) -> None:
        configs: dict[str, dict[str, Any]] = {
            "projection_model": self.projection_model.config,
            "language_model": {**self.language_model.config, "model_type": "gpt2", "vocab_size": 1},
            "unet": self.unet.config,
        }
        for name, config in configs.items():
            save_component(folder, name, self.trained[name], config, half=True)
        save_config(folder, "scheduler", self.options["scheduler"])
        save_index(folder, COMPONENTS, self.options["defaults"])
        with torch.no_grad():
            nothing = torch.zeros(1, self.projection_model.config["dim"])
            save_constants(folder, Constants(self.language(nothing), language_model=fingerprint(folder)))
