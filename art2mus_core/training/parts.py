"""The frozen parts of a checkpoint that a stage of training stands on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler

from ..aligners.head import ProjectionHead
from ..checkpoints.folder import load_component, read_config, weights_file
from ..encoders.pocket import PocketAudioEncoder, PocketImageEncoder

__all__ = [
    "digest",
    "load_audio_encoder",
    "load_image_encoder",
    "load_scheduler",
    "load_unet",
    "load_vae",
]


def load_vae(folder: Path) -> AutoencoderKL:
    """The VAE, frozen."""
    return load_component(folder, "vae", AutoencoderKL.from_config)


def load_unet(folder: Path) -> AudioLDM2UNet2DConditionModel:
    """The denoiser, frozen."""
    return load_component(folder, "unet", AudioLDM2UNet2DConditionModel.from_config)


def load_image_encoder(folder: Path) -> PocketImageEncoder:
    """The picture tower, frozen."""
    return load_component(folder, "image_encoder", PocketImageEncoder.from_config)


def load_audio_encoder(folder: Path) -> PocketAudioEncoder:
    """The sound tower, frozen."""
    return load_component(folder, "audio_encoder", PocketAudioEncoder.from_config)


def load_scheduler(folder: Path) -> DDIMScheduler:
    """The noise schedule that the prior was trained with."""
    return DDIMScheduler.from_config(read_config(folder, "scheduler"))


def digest(folder: Path, name: str) -> str:
    """sha256 of a component's weights."""
    return hashlib.sha256(weights_file(folder, name).read_bytes()).hexdigest()


def load_projection_head(folder: Path) -> ProjectionHead:
    """The head that the prior was trained with, frozen."""
    return load_component(folder, "projection_model", ProjectionHead.from_config)
