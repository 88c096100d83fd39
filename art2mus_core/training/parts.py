"""The frozen parts of a checkpoint that a stage of training stands on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..aligners.head import ProjectionHead
from ..checkpoints.folder import load_component, read_config, weights_file
from ..diffusion.levels import NoiseLevels, read_levels
from ..encoders.pocket import PocketAudioEncoder, PocketImageEncoder
from ..networks.autoencoder import Autoencoder
from ..networks.unet import UNet

__all__ = [
    "digest",
    "load_audio_encoder",
    "load_image_encoder",
    "load_noise_levels",
    "load_unet",
    "load_vae",
]


def load_vae(folder: Path) -> Autoencoder:
    """The VAE, frozen."""
    return load_component(folder, "vae", Autoencoder)


def load_unet(folder: Path) -> UNet:
    """The denoiser, frozen."""
    return load_component(folder, "unet", UNet)


def load_image_encoder(folder: Path) -> PocketImageEncoder:
    """The picture tower, frozen."""
    return load_component(folder, "image_encoder", PocketImageEncoder.from_config)


def load_audio_encoder(folder: Path) -> PocketAudioEncoder:
    """The sound tower, frozen."""
    return load_component(folder, "audio_encoder", PocketAudioEncoder.from_config)


def load_noise_levels(folder: Path) -> NoiseLevels:
    """The noise levels that the prior was trained on."""
    return read_levels(read_config(folder, "scheduler"))


def digest(folder: Path, name: str) -> str:
    """sha256 of a component's weights."""
    return hashlib.sha256(weights_file(folder, name).read_bytes()).hexdigest()


def load_projection_head(folder: Path) -> ProjectionHead:
    """The head that the prior was trained with, frozen."""
    return load_component(folder, "projection_model", ProjectionHead.from_config)
