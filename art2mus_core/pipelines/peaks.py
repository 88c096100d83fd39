"""The memory that the stages of latent diffusion need beside the weights, predicted from the configurations.

A stage needs a few tensors of its widest layer at once: what goes in, what its norm and its activation make of it, their copies in the
layout of the convolutions, and what comes out. The numbers of them were measured (`benchmarks/lengths.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..checkpoints.folder import read_config
from ..types import AudioGrid

__all__ = ["working_memory"]

DENOISER, AUTOENCODER, VOCODER = 6, 8, 5
"""Tensors of the widest layer."""

LEVEL = 6
"""Numbers of 64 bits for each sample, besides one for each channel, while loudness is measured."""

STRETCHES = 40_000_000
"""Bytes that a tonewheel vocoder needs for the frames that it sees at once."""

REAL = 4
"""Bytes of a number of the autoencoder and the vocoder."""


def working_memory(folder: Path, grid: AudioGrid, seconds: float, count: int, itemsize: int) -> dict[str, int]:
    """Bytes besides weights by stage, at most, on a processor; the latents are decoded and vocoded piece by piece.

    Args:
        folder: a checkpoint of latent diffusion.
        grid: its sizes.
        seconds: length of each piece.
        count: pieces in the batch, each with a negative side.
        itemsize: bytes of a number of the denoiser.
    """
    _, frames, rows = grid.latent_shape(seconds)
    samples, mel_frames = grid.samples(seconds), frames * grid.latent_factor
    pieces = 2 * REAL * grid.channels * samples * count  # sound, and the finished pieces
    return {
        "unet": _denoiser(read_config(folder, "unet"), frames * rows) * 2 * count * itemsize,
        "autoencoder": _autoencoder(read_config(folder, "vae")) * mel_frames * grid.mel_bins * REAL,
        "vocoder": pieces + _vocoder(read_config(folder, "vocoder"), mel_frames, samples),
        "level": pieces + 8 * (LEVEL + grid.channels) * samples,
    }


def _denoiser(config: Mapping[str, Any], pixels: int) -> int:
    """Numbers of one latent: what the way up reads from the way down, and the widest layer, the last stage of the way up."""
    widths, layers = config["block_out_channels"], config["layers_per_block"]
    kept = sum((layers + 1) * width / 4**level for level, width in enumerate(widths))
    return round((kept + DENOISER * sum(widths[:2])) * pixels)


def _autoencoder(config: Mapping[str, Any]) -> int:
    """Numbers for each number of the mel of one channel; the first block at full resolution still has the width of the stage before."""
    return AUTOENCODER * config["block_out_channels"][:2][-1]


def _vocoder(config: Mapping[str, Any], frames: int, samples: int) -> int:
    """Bytes for one piece."""
    if config.get("model_type") == "tonewheel":
        noise = 2 * (1 + config.get("channels", 1)) * samples
        return STRETCHES + REAL * (noise + 8 * config.get("channels", 1) * frames * config["mel"]["mel_bins"])
    width, widest, length = config["upsample_initial_channel"], 0, frames
    for rate in config["upsample_rates"]:
        width, length = width // 2, length * rate
        widest = max(widest, width * length)
    return REAL * VOCODER * widest
