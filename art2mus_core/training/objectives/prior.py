"""The audio prior, from audio alone.

A sound's embedding becomes prompt tokens, GPT-2 makes the language of audio of them, and the UNet learns to denoise the
sound's latent under it. Head, GPT-2 and UNet learn together.

The linear head plays CLAP's role. A share of the examples has its embedding replaced by zeros; what GPT-2 makes of those
is the unconditional language of audio, which guidance needs and which is stored as a constant.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

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
from ..batches import LatentBatch
from ..config import TrainingConfig
from ..draws import Draw
from ..features import Dataset
from ..latents import embed_sounds
from ..objective import sized
from .diffusion import DiffusionObjective

__all__ = ["PriorObjective"]

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


class PriorOptions(Fields):
    """Of the stage `prior`.

    Attributes:
        crop: in latent frames.
        drop: share of the examples that the denoiser is told nothing of.
        scheduler: its configuration.
        defaults: steps, guidance and solver of the finished checkpoint.
    """

    crop: int
    drop: float = 0.1
    scheduler: dict[str, Any]
    defaults: dict[str, Any]


class PriorObjective(DiffusionObjective):
    """Projection head, GPT-2 and UNet, trained together."""

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        nn.Module.__init__(self)
        self.config = config
        self.options = self.read_options(PriorOptions)
        super().__init__(data, config, checkpoint, device, crop=self.options.crop)
        self.told = embed_sounds(data, checkpoint, device)
        with sized(config.stage):
            modules = {
                "projection_model": ProjectionHead.from_config(config.model["projection_model"]),
                "language_model": GPT2(config.model["language_model"]),
                "unet": UNet(config.model["unet"]),
            }
        self.trained = nn.ModuleDict(modules)
        check_unet(config.model["unet"], data.grid, ())
        self._check_head(self.told.space, self.told.values.shape[-1], data.grid.language_width)
        self.levels = read_levels(self.options.scheduler)

    def _check_head(self, space: str, dim: int, width: int) -> None:
        head = self.projection_model.config
        wanted = {"space": space, "dim": dim, "width": width}
        if other := [name for name, value in wanted.items() if head[name] != value]:
            raise SettingError(
                f"a projection_model with {', '.join(f'{name} {head[name]}' for name in other)}",
                f"{', '.join(f'{name} {wanted[name]}' for name in other)}, as the audio encoder and GPT-2 have it",
                "Mend the field model.",
            )

    @property
    def projection_model(self) -> ProjectionHead:
        return cast("ProjectionHead", self.trained["projection_model"])

    @property
    def language_model(self) -> GPT2:
        return cast("GPT2", self.trained["language_model"])

    @property
    def unet(self) -> UNet:  # type: ignore[override]
        return cast("UNet", self.trained["unet"])

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
        configs: dict[str, dict[str, Any]] = {
            "projection_model": self.projection_model.config,
            "language_model": {**self.language_model.config, "model_type": "gpt2", "vocab_size": 1},
            "unet": self.unet.config,
        }
        for name, config in configs.items():
            save_component(folder, name, self.trained[name], config, half=True)
        save_config(folder, "scheduler", self.options.scheduler)
        save_index(folder, COMPONENTS, self.options.defaults)
        weight = self.unet.conv_in.weight
        nothing = Embedding(torch.zeros(1, self.projection_model.config["dim"]).to(weight), self.told.space)
        with torch.no_grad():
            language = self.condition(nothing).language.cpu()
        save_constants(folder, Constants(language, language_model=fingerprint(folder)))
