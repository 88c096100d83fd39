"""The sketch of a trained VAE: what a preview draws latents with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from ..checkpoints.grid import read_latent_scale
from ..decoders.sketch import fit_sketch, save_sketch
from ..decoders.vae import MelAutoencoder
from ..types import Latent, Mel
from .features import Dataset
from .parts import load_vae
from .stages import pocket_grid

__all__ = ["write_sketch"]

PIECES = 200
CHUNK = 4


def write_sketch(data: Dataset | Path, checkpoint: Path) -> Path:
    """Fit a sketch to the VAE of a checkpoint, on training pieces spread over the dataset, and put it beside the VAE.

    Args:
        data: a dataset on the VAE's grid, or the folder of one on the packaged grid.
        checkpoint: the folder with the VAE.

    Returns:
        The file.
    """
    if isinstance(data, Path):
        data = Dataset(data, pocket_grid(), size=1)
    autoencoder = MelAutoencoder(load_vae(checkpoint), read_latent_scale(checkpoint))
    rows, mels = data.rows("train"), data.mels()
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, PIECES).round().astype(int))]

    def pairs() -> Iterator[tuple[Latent, Mel]]:
        for start in range(0, len(chosen), CHUNK):
            mel = Mel(torch.from_numpy(mels[chosen[start : start + CHUNK]].astype(np.float32)))
            with torch.no_grad():
                yield autoencoder.encode(mel), mel

    return save_sketch(checkpoint, fit_sketch(pairs()), fitted_on=f"{len(chosen)} training pieces")
