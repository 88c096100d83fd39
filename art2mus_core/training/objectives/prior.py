"""Train the audio prior, from audio alone.

A linear head maps an audio embedding to prompt tokens, GPT-2 continues them with the language of audio, and the UNet learns to
denoise the sound's latent with this conditioning. Head, GPT-2 and UNet are trained together.

The head has the role of CLAP in AudioLDM 2. The embeddings of a share of the examples are zero; their language of audio is the
unconditional one, which guidance needs. It is stored as a constant.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...aligners.head import ProjectionHead
from ...checkpoints.folder import save_component, save_config, save_index
from ...conditioning.constants import Constants, save_constants
from ...conditioning.language import fingerprint, roll_out
from ...configuration import Fields
from ...diffusion.denoiser import check_unet
from ...diffusion.levels import read_levels
from ...errors import SettingError
from ...networks.gpt2 import GPT2
from ...networks.unet import UNet
from ...types import Condition, Embedding
from ..batches import Draw, LatentBatch
from ..config import TrainingConfig
from ..features import Dataset
from ..latents import embed_sounds
from ..objective import read_options, sized
from .diffusion import DiffusionObjective

__all__ = ["PriorObjective"]

COMPONENTS = {
    "image_encoder": ["art2mus", "EfficientNetEncoder"],
    "audio_encoder": ["art2mus", "PocketAudioEncoder"],
    "projection_model": ["art2mus", "ProjectionHead"],
    "language_model": ["transformers", "GPT2Model"],
    "unet": ["diffusers", "AudioLDM2UNet2DConditionModel"],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "vae": ["diffusers", "AutoencoderKL"],
    "vocoder": ["art2mus", "TonewheelVocoder"],
}


TRAINED = ("projection_model", "language_model", "unet")


class PriorOptions(Fields):
    """Options of the stage `prior`.

    Attributes:
        crop: length of crops in latent frames.
        drop: share of the examples with an embedding of zeros.
        scheduler: configuration of the noise schedule.
        defaults: default steps, guidance and solver of the checkpoint.
    """

    crop: int
    drop: float = 0.1
    scheduler: dict[str, Any]
    defaults: dict[str, Any]


class PriorObjective(DiffusionObjective):
    """Projection head, GPT-2 and UNet, trained together."""

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        options = read_options(config, PriorOptions)
        super().__init__(data, config, checkpoint, device, crop=options.crop)
        self.options, self.levels = options, read_levels(options.scheduler)
        self.embeddings = embed_sounds(data, checkpoint, device)
        with sized(config.stage):
            self.projection_model = ProjectionHead.from_config(config.model["projection_model"])
            self.language_model = GPT2(config.model["language_model"])
            self.unet = UNet(config.model["unet"])
        self.trained = nn.ModuleDict({name: getattr(self, name) for name in TRAINED})
        check_unet(config.model["unet"], data.grid, ())
        self._check_head()

    def _check_head(self) -> None:
        head, embeddings = self.projection_model.config, self.embeddings
        dim, width = embeddings.values.shape[-1], self.data.grid.language_width
        wanted = {"space": embeddings.space, "dim": dim, "width": width}
        if other := [name for name, value in wanted.items() if head[name] != value]:
            raise SettingError(
                f"a projection_model with {', '.join(f'{name} {head[name]}' for name in other)}",
                f"{', '.join(f'{name} {wanted[name]}' for name in other)}, as the audio encoder and GPT-2 have it",
                "Correct the field model.",
            )

    def batch(self, draw: Draw) -> LatentBatch:
        batch = self.noised(draw, draw.rows(self.train_rows))
        keep = torch.from_numpy(draw.shares()[draw.part] >= self.options.drop)
        return replace(batch, embedding=replace(batch.embedding, values=batch.embedding.values * keep[:, None]))

    def condition(self, embedding: Embedding) -> Condition:
        prompt = self.projection_model.align(embedding)
        return Condition(roll_out(self.language_model, prompt, self.data.grid.language_tokens).values)

    def forward(self, batch: LatentBatch) -> tuple[Tensor, dict[str, Tensor]]:
        return self.losses(batch).mean(), {}

    def export(self, folder: Path) -> None:
        language_config = {**self.language_model.config, "model_type": "gpt2", "vocab_size": 1}
        save_component(folder, "projection_model", self.projection_model, self.projection_model.config, half=True)
        save_component(folder, "language_model", self.language_model, language_config, half=True)
        save_component(folder, "unet", self.unet, self.unet.config, half=True)
        save_config(folder, "scheduler", self.options.scheduler)
        save_index(folder, COMPONENTS, self.options.defaults)
        weight = self.unet.conv_in.weight
        nothing = Embedding(torch.zeros(1, self.projection_model.config["dim"]).to(weight), self.embeddings.space)
        with torch.no_grad():
            language = self.condition(nothing).language.cpu()
        save_constants(folder, Constants(language, language_model=fingerprint(folder)))
