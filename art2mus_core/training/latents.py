"""What the prior and the aligner train on: latents of the music and embeddings of both sides, computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..checkpoints.folder import config_file, load_component, weights_file
from ..checkpoints.precision import imitates
from ..decoders.vae import MelAutoencoder
from ..diffusion.sampling import draw_noise
from ..encoders.files import image_component, load_image_encoder
from ..encoders.pocket import PocketAudioEncoder
from ..errors import SettingError
from ..images.reading import read_artwork
from ..networks.autoencoder import Autoencoder
from ..types import Embedding, Mel
from .draws import Draw
from .features import Dataset, Pieces, cached
from .grids import mel_of

__all__ = ["Embeddings", "Latents", "digest", "embed_artworks", "embed_sounds"]

CHUNK = 4


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of every pair under one encoder.

    Attributes:
        space: of the encoder.
        values: float32 [N, D].
        patches: float16 [N, n, P] where they are read.
    """

    space: str
    values: np.ndarray
    patches: np.ndarray | None = None

    def of(self, rows: Int[np.ndarray, " rows"]) -> Embedding:
        """Those of some pairs."""
        patches = None if self.patches is None else torch.from_numpy(self.patches[rows].astype(np.float32))
        return Embedding(torch.from_numpy(self.values[rows]), self.space, patches)


class Latents:
    """Latents of a dataset under the VAE of a checkpoint.

    They are kept beside the dataset's other features, under a name that holds a digest of the weights they come from, as the VAE
    gives them; they are scaled when they are drawn.

    Args:
        data: on the whole grid of the checkpoint.
        checkpoint: with the VAE.
        device: where it computes.

    Raises:
        SettingError: a VAE for more than one channel.
        CheckpointError: missing or damaged.
    """

    def __init__(self, data: Dataset, checkpoint: Path, device: torch.device) -> None:
        self.grid, self.scale = data.grid, data.grid.latent_scale
        if self.grid.channels > 1:
            raise SettingError(
                f"a VAE for sound of {self.grid.channels} channels in {checkpoint}",
                "one for mono: datasets are read as the mean of their channels",
                "Choose another checkpoint.",
            )
        mels = data.mels(self.grid.latent_factor)
        self.pieces = cached(
            data.feature("latent", digest(checkpoint, "vae"), mel_of(self.grid)),
            mels.lengths // self.grid.latent_factor,
            lambda: self._encode(mels, load_component(checkpoint, "vae", Autoencoder), device),
            stage="latents",
            on_step=data.on_step,
        )

    def draw(
        self, draw: Draw, rows: Int[np.ndarray, " size"], crop: int, levels: int, *, beginning: bool = False
    ) -> tuple[
        Float[Tensor, "part channels crop rows"], Float[Tensor, "part channels crop rows"], Int[Tensor, " part"]
    ]:
        """Crops of the latents of `rows` from anywhere in them (or from their beginning), noise, and its levels."""
        shares = draw.shares()[draw.part]
        crops = self.pieces.crops(rows[draw.part], crop, None if beginning else shares)
        latent = torch.from_numpy(np.moveaxis(crops, 1, 2).copy()) * self.scale
        t = torch.from_numpy(draw.levels(levels)[draw.part])
        seeds = draw.seeds()
        channels, frames, height = latent.shape[1:]
        return latent, draw_noise((channels, frames, height), seeds), t

    @torch.no_grad()
    def _encode(self, mels: Pieces, vae: Autoencoder, device: torch.device) -> Iterator[np.ndarray]:
        """Time first. Where the device computes in bfloat16, that is twice as fast and changes a latent by half a percent."""
        fast = not imitates(device, torch.bfloat16)
        unscaled = MelAutoencoder(vae.to(device, memory_format=torch.channels_last), scale=1.0)  # type: ignore[call-overload]
        for row in range(len(mels.lengths)):
            mel = Mel(torch.from_numpy(mels[row].astype(np.float32))[None].to(device))
            with torch.autocast(device.type, torch.bfloat16, enabled=fast):
                latent = unscaled.encode(mel).values[0]
            yield latent.transpose(0, 1).to(torch.float16).cpu().numpy()


def embed_artworks(data: Dataset, encoder: Path, device: torch.device, *, patches: bool) -> Embeddings:
    """What the image encoder of a folder says of a dataset's artworks, as when composing.

    Args:
        data: the pairs.
        encoder: a checkpoint with an image encoder, or a CLIP folder.
        device: where the encoder computes.
        patches: keep its patches too.

    Raises:
        CheckpointError: the folder holds no such encoder, or a damaged one.
        ArtworkError: a picture that cannot be read.
    """
    network = load_image_encoder(encoder, dtype=torch.float32)
    network.to(device)  # type: ignore[attr-defined]

    @torch.no_grad()
    def said() -> Iterator[Embedding]:
        for chunk in _chunks(range(len(data.pairs))):
            yield network.encode([read_artwork(data.folder / data.pairs[row].artwork) for row in chunk])

    def values() -> Iterator[np.ndarray]:
        return (row for each in said() for row in each.values.float().cpu().numpy()[:, None])

    def of_patches() -> Iterator[np.ndarray]:
        return (row for each in said() for row in _patches(each, encoder).to(torch.float16).cpu().numpy()[:, None])

    ones, origin = np.ones(len(data.pairs), int), digest(encoder, image_component(encoder))
    kept = [
        cached(data.feature(name, network.space, origin), ones, rows, stage=name, on_step=data.on_step).values
        for name, rows in (("artwork", values), *([("patches", of_patches)] if patches else []))
    ]
    return Embeddings(network.space, *kept)


def _patches(embedding: Embedding, encoder: Path) -> Float[Tensor, "batch patches patch_dim"]:
    if embedding.patches is None:
        raise SettingError(
            f"an aligner that reads patches, and {encoder.name} gives none",
            "ImageBind or a CLIP, or an aligner without patch_dim",
            "Choose another encoder, or leave patch_dim out of the field model.",
        )
    return embedding.patches


def embed_sounds(data: Dataset, checkpoint: Path, device: torch.device) -> Embeddings:
    """What the audio encoder of a checkpoint says of a dataset's mels.

    Raises:
        CheckpointError: the checkpoint has none, or a damaged one.
    """
    network = load_component(checkpoint, "audio_encoder", PocketAudioEncoder.from_config).to(device)
    mels = data.mels()

    @torch.no_grad()
    def rows() -> Iterator[np.ndarray]:
        for row in range(len(data.pairs)):
            mel = Mel(torch.from_numpy(mels[row].astype(np.float32))[None])
            yield network.encode(mel).values.float().cpu().numpy()

    path = data.feature("music", network.space, digest(checkpoint, "audio_encoder"), mel_of(data.grid))
    return Embeddings(
        network.space,
        cached(path, np.ones(len(data.pairs), int), rows, stage="music", on_step=data.on_step).values,
    )


def _chunks(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def digest(folder: Path, name: str) -> str:
    """sha256 of a component's configuration and weights."""
    found = hashlib.sha256()
    for path in (config_file(folder, name), weights_file(folder, name)):
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()
