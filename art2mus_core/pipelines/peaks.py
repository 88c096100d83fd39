"""The memory that the stages of a route need beside the weights, predicted from the configurations.

The denoiser and HiFi-GAN need a few tensors of their widest layer at once: what goes in, what its norm and its activation make of it, their
copies in the layout of the convolutions, and what comes out. The numbers of them were measured (`benchmarks/lengths.py`). The autoencoder
needs what goes in and what comes out alone (:mod:`~art2mus_core.networks.stretches`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from ..checkpoints.folder import read_config
from ..decoders import vocoders
from ..measure.sound import loudness
from ..types import AudioGrid

__all__ = ["sound_memory", "working_memory"]

DENOISER, VOCODER = 10, 5
"""Tensors of the widest layer."""

KEPT = 2
"""Half of what the denoiser needed is not used again by the stages after it: its pieces of memory have other sizes."""

LEVEL = 1, 6
"""While loudness is measured: numbers of 64 bits for each sample of a piece besides one for each channel, and for those filtered at once."""

STRETCHES = 60_000_000
"""Bytes that the autoencoder, and a tonewheel vocoder, need for the rows that they compute at once."""

REAL = 4
"""Bytes of a number of the vocoder."""


def working_memory(
    folder: Path, grid: AudioGrid, seconds: float, count: int, precision: Callable[[str], torch.dtype]
) -> dict[str, int]:
    """Bytes besides weights by stage, at most, on a processor; the latents are decoded and vocoded piece by piece.

    Args:
        folder: a checkpoint of latent diffusion.
        grid: its sizes.
        seconds: length of each piece.
        count: pieces in the batch, each with a negative side.
        precision: that of a network, by name.
    """
    _, frames, rows = grid.latent_shape(seconds)
    mel = frames * grid.latent_factor * grid.mel_bins
    denoiser = _denoiser(read_config(folder, "unet"), frames * rows) * 2 * count * precision("unet").itemsize
    after = {
        "autoencoder": STRETCHES + _autoencoder(read_config(folder, "vae")) * mel * precision("autoencoder").itemsize,
        **sound_memory(folder, grid, seconds, count),
    }
    return {"unet": denoiser, **{name: size + denoiser // KEPT for name, size in after.items()}}


def sound_memory(folder: Path, grid: AudioGrid, seconds: float, count: int) -> dict[str, int]:
    """Bytes besides weights of the stages from the mel on, for `count` pieces of a length."""
    samples, filtered = grid.samples(seconds), grid.samples(min(seconds, loudness.WHOLE))
    pieces = 2 * REAL * grid.channels * samples * count  # sound, and the finished pieces
    return {
        "vocoder": pieces + _vocoder(read_config(folder, "vocoder"), grid, samples),
        "level": pieces + 8 * ((LEVEL[0] + grid.channels) * samples + LEVEL[1] * filtered),
    }


def _denoiser(config: Mapping[str, Any], pixels: int) -> int:
    """Numbers of one latent: what the way up reads from the way down, and the widest layer, the last stage of the way up."""
    widths, layers = config["block_out_channels"], config["layers_per_block"]
    kept = sum((layers + 1) * width / 4**level for level, width in enumerate(widths))
    return round((kept + DENOISER * sum(widths[:2])) * pixels)


def _autoencoder(config: Mapping[str, Any]) -> int:
    """Numbers for each number of the mel of one channel.

    They are what goes into the first block at full resolution, of the width of the stage before, what its two convolutions exchange,
    and what comes out.
    """
    return int(config["block_out_channels"][:2][-1] + 2 * config["block_out_channels"][0])


def _vocoder(config: Mapping[str, Any], grid: AudioGrid, samples: int) -> int:
    """Bytes for one piece."""
    frames = -(-samples // grid.hop)
    if config.get("model_type") == "tonewheel":
        noise = 2 * (1 + grid.channels) * samples
        return STRETCHES + REAL * (noise + 8 * grid.channels * frames * grid.mel_bins)
    at_once = min(frames, int(vocoders.WHOLE * grid.sample_rate / grid.hop))
    width, widest, length = config["upsample_initial_channel"], 0, at_once
    for rate in config["upsample_rates"]:
        width, length = width // 2, length * rate
        widest = max(widest, width * length)
    return REAL * VOCODER * widest
