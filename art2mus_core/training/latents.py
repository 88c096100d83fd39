"""What the prior and the aligner train on: latents of the music and embeddings of both sides, computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..checkpoints.grid import read_latent_scale
from ..checkpoints.precision import imitates
from .features import Dataset, cached
from .objective import check_crop
from .parts import digest, load_audio_encoder, load_image_encoder, load_vae

__all__ = ["LatentDataset"]

CHUNK = 4
Side = Literal["image", "audio"]


class LatentDataset:
    """Latents and embeddings of a dataset under the towers and the VAE of a checkpoint folder.

    Features are kept beside the dataset's others, under names that hold a digest of the weights they come from; latents
    are kept as the VAE gives them, and scaled when they are drawn.
    """

    def __init__(self, data: Dataset, checkpoint: Path) -> None:
        self.data, self.checkpoint = data, checkpoint
        self.train_rows, self.validation_rows = data.rows("train"), data.rows("validation")
        self.space, self.scale = load_image_encoder(checkpoint).space, read_latent_scale(checkpoint)
        self.latents = self._cached("vae", self._encode_latents)
        self.embeddings = {
            "image": self._cached("image_encoder", self._embed_pictures),
            "audio": self._cached("audio_encoder", self._embed_mels),
        }

    def draw(
        self, rng: np.random.Generator, size: int, crop: int, *, side: Side
    ) -> tuple[Float[Tensor, "batch channels crop rows"], Float[Tensor, "batch dim"]]:
        """Random crops of training latents and the embeddings of one side of their pairs."""
        check_crop(crop, self.latents.shape[2])
        rows = rng.choice(self.train_rows, size)
        starts = rng.integers(self.latents.shape[2] - crop + 1, size=size)
        return self._examples(rows, starts, crop, side)

    def draw_embeddings(
        self, rng: np.random.Generator, size: int
    ) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, "batch dim"]]:
        """Embeddings of the pictures and of the sounds of random training pairs."""
        rows = rng.choice(self.train_rows, size)
        picture, sound = (
            torch.from_numpy(self.embeddings[side][rows].astype(np.float32)) for side in ("image", "audio")
        )
        return picture, sound

    def held_out(self, count: int, crop: int, *, side: Side) -> tuple[Tensor, Tensor]:
        """The first `count` validation pairs, from their beginning."""
        rows = self.validation_rows[:count]
        return self._examples(rows, np.zeros(len(rows), int), crop, side)

    def _examples(self, rows: np.ndarray, starts: np.ndarray, crop: int, side: Side) -> tuple[Tensor, Tensor]:
        crops = [self.latents[row, :, start : start + crop] for row, start in zip(rows, starts, strict=True)]
        latent = torch.from_numpy(np.stack(crops).astype(np.float32)) * self.scale
        return latent, torch.from_numpy(self.embeddings[side][rows].astype(np.float32))

    def _cached(self, component: str, rows: Callable[[], Iterator[np.ndarray]]) -> np.ndarray:
        path = self.data.feature(f"{component}-{digest(self.checkpoint, component)[:12]}")
        return cached(path, len(self.data.pairs), rows, stage=component, on_step=self.data.on_step)

    @torch.no_grad()
    def _encode_latents(self) -> Iterator[np.ndarray]:
        # On a CPU that computes in bfloat16 these two make encoding twice as fast, and change a latent by half a percent.
        fast = not imitates(torch.device("cpu"), torch.bfloat16)
        vae = load_vae(self.checkpoint).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for part in self._chunks(self.data.mels()):
            with torch.autocast("cpu", torch.bfloat16, enabled=fast):
                latent = vae.encode(part[:, None]).mean
            yield from latent.to(torch.float16).numpy()

    @torch.no_grad()
    def _embed_pictures(self) -> Iterator[np.ndarray]:
        encoder = load_image_encoder(self.checkpoint)
        for part in self._chunks(self.data.pictures()):
            yield from encoder(part / 255).numpy()

    @torch.no_grad()
    def _embed_mels(self) -> Iterator[np.ndarray]:
        encoder = load_audio_encoder(self.checkpoint)
        for part in self._chunks(self.data.mels()):
            yield from encoder(part).numpy()

    def _chunks(self, feature: np.ndarray) -> Iterator[Tensor]:
        for start in range(0, len(feature), CHUNK):
            yield torch.from_numpy(feature[start : start + CHUNK].astype(np.float32))
