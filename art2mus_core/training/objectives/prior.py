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
from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.gpt2.modeling_gpt2 import GPT2Model

from ...aligners.head import ProjectionHead
from ...checkpoints.folder import save_component, save_config, save_index
from ...conditioning.constants import Constants, save_constants
from ...conditioning.language import build_language_model, fingerprint, roll_out
from ...types import AudioGrid, Embedding
from ..config import TrainingConfig
from ..latents import LatentDataset
from ..objective import Batch, Objective

__all__ = ["PriorObjective", "diffusion_loss", "noised"]

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


def noised(
    latent: Float[Tensor, "batch channels frames rows"],
    t: Int[Tensor, " batch"],
    scheduler: DDIMScheduler,
    noise: Float[Tensor, "batch channels frames rows"],
) -> tuple[Tensor, Tensor]:
    """The noisy latent at `t` and what the network should output there, by the schedule's parameterisation."""
    noisy = scheduler.add_noise(latent, noise, t)  # type: ignore[arg-type]  # any integer type serves
    if scheduler.config["prediction_type"] == "v_prediction":
        return noisy, scheduler.get_velocity(latent, noise, t)  # type: ignore[arg-type]
    return noisy, noise


def diffusion_loss(
    unet: nn.Module,
    scheduler: DDIMScheduler,
    latent: Float[Tensor, "batch channels frames rows"],
    language: Float[Tensor, "batch length width"],
) -> Float[Tensor, " batch"]:
    """Squared error an example (Ho et al. 2020, eq. 14) at random timesteps spread evenly over the batch.

    Each timestep alone is uniform; together they cover the range, which makes the gradient less noisy (Kingma et al. 2021,
    "Variational Diffusion Models", appendix I).
    """
    count, levels = len(latent), scheduler.config["num_train_timesteps"]
    share = (torch.rand(1) + torch.arange(count) / count) % 1
    t = (share * levels).long().to(latent.device)
    noisy, target = noised(latent, t, scheduler, torch.randn_like(latent))
    output = unet(noisy, t, encoder_hidden_states=language, return_dict=False)[0]
    return F.mse_loss(output.float(), target, reduction="none").mean((1, 2, 3))


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
                "language_model": build_language_model(config.model["language_model"]),
                "unet": AudioLDM2UNet2DConditionModel.from_config(config.model["unet"]),
            }
        )
        self.scheduler = DDIMScheduler.from_config(config.options["scheduler"])
        self.space = data.space

    @property
    def projection_model(self) -> ProjectionHead:
        return cast("ProjectionHead", self.trained["projection_model"])

    @property
    def language_model(self) -> GPT2Model:
        return cast("GPT2Model", self.trained["language_model"])

    @property
    def unet(self) -> AudioLDM2UNet2DConditionModel:
        return cast("AudioLDM2UNet2DConditionModel", self.trained["unet"])

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        latent, embedding = self.data.draw(rng, size, self.options["crop"], side="audio")
        keep = torch.from_numpy(rng.random(size) >= self.options["drop"])
        return {"latent": latent, "embedding": embedding * keep[:, None]}

    def language(self, embedding: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch length width"]:
        prompt = self.projection_model.align(Embedding(embedding, self.space))
        return roll_out(self.language_model, prompt, self.grid.language_tokens).values

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        language = self.language(batch["embedding"])
        return diffusion_loss(self.unet, self.scheduler, batch["latent"], language).mean(), {}

    def validate(self) -> dict[str, float]:
        """The loss on held-out pairs, always with the same noise."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            latent, embedding = self.data.held_out(96, self.options["crop"], side="audio")
            losses = [
                diffusion_loss(self.unet, self.scheduler, part, self.language(e))
                for part, e in zip(latent.split(16), embedding.split(16), strict=True)
            ]
        return {"loss": torch.cat(losses).mean().item()}

    def export(self, folder: Path) -> None:
        configs: dict[str, dict[str, Any]] = {
            "projection_model": self.projection_model.config,
            "language_model": self.language_model.config.to_dict(),
            "unet": dict(self.unet.config),
        }
        for name, config in configs.items():
            save_component(folder, name, self.trained[name], config, half=True)
        save_config(folder, "scheduler", dict(self.scheduler.config))
        save_index(folder, COMPONENTS, self.options["defaults"])
        with torch.no_grad():
            nothing = torch.zeros(1, self.projection_model.config["dim"])
            save_constants(folder, Constants(self.language(nothing), language_model=fingerprint(folder)))
