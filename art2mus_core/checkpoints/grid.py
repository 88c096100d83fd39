"""The one place where sizes are read from a checkpoint's configuration files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ..errors import CheckpointError
from ..types import AudioGrid
from .folder import read_config

__all__ = ["read_grid", "read_latent_scale"]

AUDIOLDM2_MEL: dict[str, Any] = {"scale": "slaney", "lowest": 0.0, "highest": 8000.0, "windows": (1024,), "floor": 1e-5}
"""What AudioLDM2's vocoder configuration leaves unsaid about its mel (Liu et al. 2024, and their audio processing)."""


def read_grid(folder: Path) -> AudioGrid:
    """The audio grid of a checkpoint, from its vocoder, VAE and language model.

    Raises:
        CheckpointError: a configuration is missing, or lacks something that cannot be guessed.
    """
    vae, vocoder = read_config(folder, "vae"), read_config(folder, "vocoder")
    try:
        return AudioGrid(
            **_mel(vocoder),
            latent_channels=vae["latent_channels"],
            latent_factor=2 ** (len(vae["block_out_channels"]) - 1),
            latent_scale=read_latent_scale(folder),
            language_width=read_config(folder, "language_model")["n_embd"],
        )
    except (KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder} does not say {error}",
            "it in a config.json of vae, vocoder or language_model",
            "Install or download the checkpoint again.",
        ) from error


def _mel(vocoder: dict[str, Any]) -> dict[str, Any]:
    if "mel" in vocoder:
        return {**vocoder["mel"], "windows": tuple(vocoder["mel"]["windows"])}
    return {
        "sample_rate": vocoder["sampling_rate"],
        "hop": math.prod(vocoder["upsample_rates"]),
        "mel_bins": vocoder["model_in_dim"],
        **AUDIOLDM2_MEL,
    }


def read_latent_scale(folder: Path) -> float:
    """What the latents of a checkpoint's VAE are multiplied by; always read here, never from a built network.

    diffusers builds a VAE whose configuration lacks the factor, or lists it among values left at their default, with
    0.18215, which is that of an image model.

    Raises:
        CheckpointError: the configuration is missing or does not say.
    """
    vae = read_config(folder, "vae")
    if vae.get("scaling_factor") is None:
        raise CheckpointError(
            f"{folder / 'vae' / 'config.json'} has no scaling_factor",
            "the number by which this checkpoint's latents were multiplied in training",
            "Take it from vae/config.json of the published checkpoint (`art2mus fetch` brings it); of weights that nobody "
            "published, it is one over the standard deviation of the VAE's latents. Write it there.",
        )
    return float(vae["scaling_factor"])
