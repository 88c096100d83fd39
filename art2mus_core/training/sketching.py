"""The sketch of a trained VAE: what a preview draws latents with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from ..checkpoints.folder import load_component
from ..checkpoints.grid import latent_sizes
from ..decoders.sketch import fit_sketch, save_sketch
from ..decoders.vae import MelAutoencoder
from ..networks.autoencoder import Autoencoder
from ..types import Latent, Mel
from .features import Dataset
from .grids import mel_alone

__all__ = ["write_sketch"]

PIECES = 200


def write_sketch(data: Dataset | Path, checkpoint: Path) -> Path:
    """Fit a sketch to the VAE of a checkpoint, on training pieces spread over the dataset, and put it beside the VAE.

    Args:
        data: a dataset on the VAE's grid, or its folder.
        checkpoint: the folder with the VAE.

    Returns:
        The file.

    Raises:
        CheckpointError: the checkpoint has no VAE, or does not say which mel it was trained on.
    """
    sizes = latent_sizes(checkpoint)
    if isinstance(data, Path):
        data = Dataset(data, mel_alone(checkpoint))
    autoencoder = MelAutoencoder(load_component(checkpoint, "vae", Autoencoder), sizes["latent_scale"])
    rows, mels = data.rows("train"), data.mels(sizes["latent_factor"])
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, PIECES).round().astype(int))]

    def pairs() -> Iterator[tuple[Latent, Mel]]:
        for row in chosen:
            mel = Mel(torch.from_numpy(mels[row].astype(np.float32))[None])
            with torch.no_grad():
                yield autoencoder.encode(mel), mel

    return save_sketch(checkpoint, fit_sketch(pairs()), fitted_on=f"{len(chosen)} training pieces")
