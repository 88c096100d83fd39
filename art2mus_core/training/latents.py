"""Training data of the prior and the aligner, computed once: latents of the music and embeddings of pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..character import CHARACTERS, Character
from ..checkpoints.folder import load_component
from ..checkpoints.identity import component_digest
from ..checkpoints.precision import imitates
from ..datasets.synthetic.pairs import seen_by
from ..decoders.vae import MelAutoencoder
from ..digests import tensor_digest
from ..encoders.efficientnet import EfficientNetEncoder, traits
from ..encoders.files import image_component, load_image_encoder
from ..encoders.pocket import PocketAudioEncoder
from ..errors import SettingError
from ..images.reading import read_artwork
from ..networks.autoencoder import Autoencoder
from ..types import Embedding, Mel
from .features import Dataset, Pieces, cached
from .grids import mel_of

__all__ = ["Embeddings", "embed_artworks", "embed_sounds", "encode_latents", "see_artworks"]

CHUNK = 4


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of every pair under one encoder.

    Attributes:
        space: space of the encoder.
        values: float32 [N, D].
        patches: float16 [N, n, P] if the aligner uses them.
    """

    space: str
    values: np.ndarray
    patches: np.ndarray | None = None

    def of(self, rows: Int[np.ndarray, " rows"]) -> Embedding:
        """The embeddings of some pairs."""
        patches = None if self.patches is None else torch.from_numpy(self.patches[rows].astype(np.float32))
        return Embedding(torch.from_numpy(self.values[rows]), self.space, patches)


def encode_latents(data: Dataset, checkpoint: Path, device: torch.device) -> Pieces:
    """Encode a dataset with the VAE of a checkpoint: unscaled latents, float16 [frames, channels, rows] for each pair.

    Args:
        data: the dataset on the checkpoint's grid.
        checkpoint: the folder of the VAE.
        device: device of the VAE.

    Raises:
        CheckpointError: the VAE is missing or damaged.
    """
    grid = data.grid
    mels = data.mels(grid.latent_factor, grid.channels)

    @torch.no_grad()
    def latents() -> Iterator[np.ndarray]:
        fast = not imitates(device, torch.bfloat16)  # half of the time, and latents change by half a percent
        vae = load_component(checkpoint, "vae", Autoencoder).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        unscaled = MelAutoencoder(vae, scale=1.0)
        for row in range(len(mels.lengths)):
            mel = Mel(torch.from_numpy(mels[row].astype(np.float32)).transpose(0, 1).to(device))
            with torch.autocast(device.type, torch.bfloat16, enabled=fast):
                latent = unscaled.encode(mel).values[0]
            yield latent.transpose(0, 1).to(torch.float16).cpu().numpy()

    path = data.feature("latent", component_digest(checkpoint, "vae"), mel_of(grid))
    return cached(path, mels.lengths // grid.latent_factor, latents, stage="latents", on_step=data.on_step)


def embed_artworks(data: Dataset, encoder: Path, device: torch.device, *, patches: bool) -> Embeddings:
    """Embed the artworks of a dataset, as when composing.

    Args:
        data: the dataset.
        encoder: a checkpoint with an image encoder, or a CLIP folder.
        device: device of the encoder.
        patches: also return the embeddings of patches.

    Raises:
        CheckpointError: the encoder is missing or damaged.
        ArtworkError: a picture cannot be read.
    """
    network = load_image_encoder(encoder, dtype=torch.float32)
    network.to(device)  # type: ignore[attr-defined]

    @torch.no_grad()
    def embeddings() -> Iterator[Embedding]:
        for start in range(0, len(data.pairs), CHUNK):
            chunk = data.pairs[start : start + CHUNK]
            yield network.encode([read_artwork(data.folder / pair.artwork) for pair in chunk])

    def values() -> Iterator[np.ndarray]:
        if isinstance(network, EfficientNetEncoder):  # whose embeddings follow from what is stored
            with torch.no_grad():
                return iter(
                    network(torch.from_numpy(np.array(see_artworks(data, network, encoder, device).values)).to(device))
                    .cpu()
                    .numpy()[:, None]
                )
        return (row for each in embeddings() for row in each.values.float().cpu().numpy()[:, None])

    def of_patches() -> Iterator[np.ndarray]:
        return (
            row for each in embeddings() for row in _patches(each, encoder).to(torch.float16).cpu().numpy()[:, None]
        )

    ones, origin = np.ones(len(data.pairs), int), component_digest(encoder, image_component(encoder))
    kept = [
        cached(data.feature(name, network.space, origin), ones, rows, stage=name, on_step=data.on_step).values
        for name, rows in (("artwork", values), *([("patches", of_patches)] if patches else []))
    ]
    return Embeddings(network.space, *kept)


def see_artworks(data: Dataset, encoder: EfficientNetEncoder, folder: Path, device: torch.device) -> Pieces:
    """The characters of a dataset's artworks as inputs of the encoder's head, float32 [N, traits].

    Those of the manifest are used if this encoder saw them when the dataset was made.

    Args:
        data: the dataset.
        encoder: the image encoder.
        folder: the checkpoint from which the encoder was loaded.
        device: device of the encoder.

    Raises:
        ArtworkError: a picture cannot be read.
    """
    encoder.to(device)

    @torch.no_grad()
    def rows() -> Iterator[np.ndarray]:
        complete = all(set(pair.character) == {*CHARACTERS, "tonic"} for pair in data.pairs)
        if complete and seen_by(data.folder) == component_digest(folder, image_component(folder)):
            told: list[dict[str, Any]] = [
                {**pair.character, "tonic": int(pair.character["tonic"])} for pair in data.pairs
            ]
            yield from traits([Character(**each) for each in told]).numpy()[:, None]
            return
        for start in range(0, len(data.pairs), CHUNK):
            chunk = data.pairs[start : start + CHUNK]
            seen = traits(encoder.characters([read_artwork(data.folder / pair.artwork) for pair in chunk]))
            yield from seen.numpy()[:, None]

    frozen = {key: value for key, value in encoder.state_dict().items() if not key.startswith("head.")}
    path = data.feature("seen", encoder.config, tensor_digest(frozen))
    return cached(path, np.ones(len(data.pairs), int), rows, stage="seen", on_step=data.on_step)


def _patches(embedding: Embedding, encoder: Path) -> Float[Tensor, "batch patches patch_dim"]:
    if embedding.patches is None:
        raise SettingError(
            f"an aligner that uses patches, and {encoder.name} has none",
            "ImageBind or a CLIP, or an aligner without patch_dim",
            "Choose another encoder, or remove patch_dim from the field model.",
        )
    return embedding.patches


def embed_sounds(data: Dataset, checkpoint: Path, device: torch.device) -> Embeddings:
    """Embed the mels of a dataset with the audio encoder of a checkpoint.

    Raises:
        CheckpointError: the encoder is missing or damaged.
    """
    network = load_component(checkpoint, "audio_encoder", PocketAudioEncoder.from_config).to(device)
    mels = data.mels()

    @torch.no_grad()
    def rows() -> Iterator[np.ndarray]:
        for row in range(len(data.pairs)):
            mel = Mel(torch.from_numpy(mels[row].astype(np.float32)).transpose(0, 1))
            yield network.encode(mel).values.float().cpu().numpy()

    path = data.feature("music", network.space, component_digest(checkpoint, "audio_encoder"), mel_of(data.grid))
    return Embeddings(
        network.space,
        cached(path, np.ones(len(data.pairs), int), rows, stage="music", on_step=data.on_step).values,
    )
