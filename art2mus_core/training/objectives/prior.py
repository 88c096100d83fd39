"""Train the audio prior, from audio alone.

A linear head maps an audio embedding to prompt tokens, GPT-2 continues them with the language of audio, and the UNet learns to
denoise the sound's latent with this conditioning. Head, GPT-2 and UNet are trained together.

The head has the role of CLAP in AudioLDM 2. The embeddings of a share of the examples are zero; their language of audio is the
unconditional one, which guidance needs. It is stored as a constant. Most of these examples have no plan either, if the UNet has its
channels; a plan model then learns to read each piece's tempo, key and band from its language of audio.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from ...aligners.head import ProjectionHead
from ...checkpoints.folder import read_config, save_component, save_config, save_index
from ...checkpoints.identity import component_digests
from ...conditioning.constants import Constants, save_constants
from ...conditioning.language import fingerprint, roll_out
from ...conditioning.plan import PlanModel, misreadings
from ...configuration import Fields
from ...diffusion.denoiser import LatentDenoiser, check_unet, reads_plan
from ...diffusion.levels import read_levels
from ...errors import SettingError
from ...networks.gpt2 import GPT2
from ...networks.unet import UNet
from ...types import Condition, Embedding
from ..batches import Draw, LatentBatch
from ..config import TrainingConfig
from ..features.dataset import Dataset
from ..features.latents import embed_sounds, sound_space
from ..objective import read_options, sized
from .diffusion import DiffusionObjective, diffusion_loss
from .plans import READING, UNPLANNED, bands_of, spread_of

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
KEPT = 2000
"""Training pairs from which the spread of the tempo and the centres of the bands are computed."""

CHUNK = 64


class PriorOptions(Fields):
    """Options of the stage `prior`.

    Attributes:
        crop: length of crops in latent frames.
        drop: share of the examples with an embedding of zeros.
        scheduler: configuration of the noise schedule.
        defaults: default steps, guidance and solver of the checkpoint.
        presets: for each preset what differs from them.
    """

    crop: int = Field(ge=1)
    drop: float = 0.1
    scheduler: dict[str, Any]
    defaults: dict[str, Any]
    presets: dict[str, dict[str, Any]] = Field(default_factory=dict)


class PriorObjective(DiffusionObjective):
    """Projection head, GPT-2 and UNet, trained together."""

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        options = read_options(config, PriorOptions)
        with sized(config.stage):
            head = ProjectionHead.from_config(config.model["projection_model"])
            language_model, unet = GPT2(config.model["language_model"]), UNet(config.model["unet"])
        check_unet(config.model["unet"], data.grid, ())
        planned = reads_plan(config.model["unet"])
        bands = bands_of(data) if planned else []
        super().__init__(data, config, checkpoint, device, crop=options.crop, bands=bands)
        self.options, self.levels = options, read_levels(options.scheduler)
        self.projection_model, self.language_model, self.unet = head, language_model, unet
        self.trained = nn.ModuleDict({name: getattr(self, name) for name in TRAINED})
        self.plan_model = None
        if planned:
            grid = data.grid
            self.plan_model = PlanModel(grid.language_tokens, grid.language_width, 0.0, bands)
            self.trained["plan_model"] = self.plan_model
            self.check_tempos()
        self._check_head()

    def prepare(self) -> None:
        super().prepare()
        self.embeddings = embed_sounds(self.data, self.checkpoint, self.device)

    def parts(self) -> dict[str, dict[str, str]]:
        return {"checkpoint": component_digests(self.checkpoint, ("audio_encoder", "vae"))}

    def _check_head(self) -> None:
        head, dim = self.projection_model.config, read_config(self.checkpoint, "audio_encoder").get("dim")
        wanted = {"space": sound_space(self.checkpoint), "dim": dim, "width": self.data.grid.language_width}
        if other := [name for name, value in wanted.items() if head[name] != value]:
            raise SettingError(
                f"a projection_model with {', '.join(f'{name} {head[name]}' for name in other)}",
                f"{', '.join(f'{name} {wanted[name]}' for name in other)}, as the audio encoder and GPT-2 have it",
                "Correct the field model.",
            )

    def batch(self, draw: Draw) -> LatentBatch:
        batch = self.noised(draw, draw.rows(self.train_rows))
        shares = draw.shares()[draw.part]
        keep, planned = (torch.from_numpy(shares >= self.options.drop * part) for part in (1.0, UNPLANNED))
        embedding = replace(batch.embedding, values=batch.embedding.values * keep[:, None])
        return replace(batch, embedding=embedding, plan=batch.plan and batch.plan.only(planned))

    def condition(self, embedding: Embedding) -> Condition:
        prompt = self.projection_model.align(embedding)
        return Condition(roll_out(self.language_model, prompt, self.data.grid.language_tokens).values)

    def forward(self, batch: LatentBatch) -> tuple[Tensor, dict[str, Tensor]]:
        condition = self.condition(batch.embedding)
        loss = diffusion_loss(LatentDenoiser(self.unet), self.levels, batch, condition).mean()
        if self.plan_model is None or batch.plan is None:
            return loss, {}
        kept = batch.embedding.values.any(1)
        rate, told = self.data.grid.latent_rate, batch.plan.only(kept)
        errors = misreadings(self.plan_model, condition.language, told, rate)
        return loss + READING * torch.stack([*errors.values()]).sum(), {"diffusion": loss, **errors}

    def _settle(self, model: PlanModel) -> None:
        """Give the plan model the spread of the tempo about what it reads, in octaves, and the centres of the bands."""
        rows, like = self.train_rows[:KEPT], self.unet.conv_in.weight
        languages = []
        for part in np.array_split(rows, -(-len(rows) // CHUNK)):
            known = self.embeddings.of(part)
            languages.append(self.condition(replace(known, values=known.values.to(like))).language)
        language = torch.cat(languages)
        told = (self.plans.steps, self.plans.bands)
        steps, bands = (torch.from_numpy(each[rows]).to(like.device) for each in told)
        model.config["spread"] = spread_of(model, language, steps, self.data.grid.latent_rate)
        flat = language.flatten(1).float()
        for index, centre in enumerate(model.centres):
            if (bands == index).any():
                centre.copy_(flat[bands == index].mean(0) - flat.mean(0))

    def export(self, folder: Path) -> None:
        language_config = {**self.language_model.config, "model_type": "gpt2", "vocab_size": 1}
        save_component(folder, "projection_model", self.projection_model, self.projection_model.config, half=True)
        save_component(folder, "language_model", self.language_model, language_config, half=True)
        save_component(folder, "unet", self.unet, self.unet.config, half=True)
        components = COMPONENTS
        if self.plan_model is not None:
            with torch.no_grad():
                self._settle(self.plan_model)
            save_component(folder, "plan_model", self.plan_model, self.plan_model.config, half=False)
            components = {**COMPONENTS, "plan_model": ["art2mus", "PlanModel"]}
        save_config(folder, "scheduler", self.options.scheduler)
        presets = {"art2mus_presets": self.options.presets} if self.options.presets else {}
        save_index(folder, components | presets, self.options.defaults)
        weight = self.unet.conv_in.weight
        nothing = Embedding(torch.zeros(1, self.projection_model.config["dim"]).to(weight), self.embeddings.space)
        with torch.no_grad():
            language = self.condition(nothing).language.cpu()
        save_constants(folder, Constants(language, language_model=fingerprint(folder)))
