"""Fits the latent preview of a trained VAE."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from ..checkpoints.folder import load_component
from ..checkpoints.grid import latent_sizes
from ..decoders.preview import fit_preview, save_preview
from ..decoders.vae import MelAutoencoder
from ..networks.autoencoder import Autoencoder
from ..types import Latent, Mel
from .features.dataset import Dataset
from .grids import mel_alone

__all__ = ["write_preview"]

PIECES = 200


def write_preview(data: Dataset | Path, checkpoint: Path) -> Path:
    """Fit a latent preview to the VAE of a checkpoint, on training pieces spread over the dataset, and save it with the VAE.

    Args:
        data: a dataset on the VAE's grid, or its folder.
        checkpoint: the folder with the VAE.

    Returns:
        The file.

    Raises:
        CheckpointError: the checkpoint has no VAE, or does not specify the mel it was trained on.
    """
    sizes = latent_sizes(checkpoint)
    if isinstance(data, Path):
        data = Dataset(data, mel_alone(checkpoint))
    autoencoder = MelAutoencoder(load_component(checkpoint, "vae", Autoencoder), sizes["latent_scale"])
    rows, mels = data.rows("train"), data.mels(sizes["latent_factor"], sizes["channels"])
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, PIECES).round().astype(int))]

    def pairs() -> Iterator[tuple[Latent, Mel]]:
        for row in chosen:
            mel = torch.from_numpy(mels[row].astype(np.float32)).transpose(0, 1)
            with torch.no_grad():
                yield autoencoder.encode(Mel(mel)), Mel(mel.mean(0, keepdim=True))

    return save_preview(checkpoint, fit_preview(pairs()), fitted_on=f"{len(chosen)} training pieces")
