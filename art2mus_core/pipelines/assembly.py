"""Puts the parts of a checkpoint folder together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2UNet2DConditionModel
from transformers.models.gpt2.modeling_gpt2 import GPT2Model

from ..aligners.files import AnyAligner, find_aligner, load_aligner
from ..checkpoints.folder import load_component, read_config, read_index
from ..checkpoints.grid import read_grid
from ..conditioning.constants import Constants, load_constants
from ..conditioning.language import build_language_model, is_word_embedding
from ..decoders.vae import MelAutoencoder, build_vae
from ..decoders.vocoders import AnyVocoder, load_vocoder
from ..diffusion.denoiser import build_unet, reads_text
from ..encoders.pocket import PocketImageEncoder
from ..errors import CheckpointError
from ..types import AudioGrid
from .settings import Settings

__all__ = ["Parts", "assemble"]

ENCODERS: dict[str, Callable[[dict[str, Any]], PocketImageEncoder]] = {"pocket": PocketImageEncoder.from_config}
"""`model_type` of the image encoder's configuration to builder."""


@dataclass(frozen=True)
class Parts:
    """Everything of a checkpoint that turns an artwork into music.

    Attributes:
        encoder: fills the `ImageEncoder` protocol.
        aligner: embedding to prompt tokens.
        language_model: GPT-2.
        unet: the denoiser's network.
        autoencoder: latent to mel.
        vocoder: fills the `Vocoder` protocol.
        constants: what is told beside the artwork.
        grid: all sizes.
        schedule: the content of `scheduler_config.json`.
        defaults: settings that suit this checkpoint.
    """

    encoder: PocketImageEncoder
    aligner: AnyAligner
    language_model: GPT2Model
    unet: AudioLDM2UNet2DConditionModel
    autoencoder: MelAutoencoder
    vocoder: AnyVocoder
    constants: Constants
    grid: AudioGrid
    schedule: dict[str, Any]
    defaults: Settings


def assemble(folder: Path, *, aligner: str, dtype: torch.dtype) -> Parts:
    """Load every part of a checkpoint.

    Args:
        folder: the checkpoint.
        aligner: a name in its `aligner` folder, or a file.
        dtype: precision of the UNet and the language model. The VAE overflows in float16 and the vocoder's transforms
            need float32, and both are small.

    Raises:
        SettingError: no such aligner.
        CheckpointError: something is missing, damaged or does not fit.
    """
    index, grid = read_index(folder), read_grid(folder)
    encoder = load_component(folder, "image_encoder", _encoder_builder(folder))
    unet = load_component(folder, "unet", build_unet, dtype=dtype)
    constants = load_constants(folder, language=grid.language_tokens, width=grid.language_width)
    if reads_text(unet.config) and constants.text is None:
        raise CheckpointError(
            f"the constants of {folder} hold no text, which its denoiser reads",
            "text, text_mask, unconditional_text and unconditional_text_mask",
            "Export the constants again.",
        )
    return Parts(
        encoder=encoder,
        aligner=load_aligner(find_aligner(folder, aligner), space=encoder.space, width=grid.language_width),
        language_model=load_component(
            folder, "language_model", build_language_model, dtype=dtype, unused=is_word_embedding
        ),
        unet=unet,
        autoencoder=MelAutoencoder(load_component(folder, "vae", build_vae), grid.latent_scale),
        vocoder=load_vocoder(folder, grid),
        constants=constants,
        grid=grid,
        schedule=read_config(folder, "scheduler"),
        defaults=_defaults(index, folder),
    )


def _encoder_builder(folder: Path) -> Callable[[dict[str, Any]], PocketImageEncoder]:
    kind = read_config(folder, "image_encoder").get("model_type", "pocket")
    if kind not in ENCODERS:
        raise CheckpointError(
            f"an image encoder {kind!r} in {folder}", f"one of {', '.join(ENCODERS)}", "Use another checkpoint."
        )
    return ENCODERS[kind]


def _defaults(index: dict[str, Any], folder: Path) -> Settings:
    try:
        return Settings(**index.get("art2mus", {}))
    except TypeError as error:
        raise CheckpointError(
            f"model_index.json of {folder} has defaults that are not known ({error})",
            "seconds, steps, guidance and solver",
            "Install or download the checkpoint again.",
        ) from error
