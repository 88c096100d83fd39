"""The diffusion loss, which the prior and the aligner share: the error of predicting the noise in latents."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ...diffusion.denoiser import LatentDenoiser
from ...diffusion.levels import NoiseLevels
from ...diffusion.sampling import draw_noise
from ...errors import DatasetError
from ...interfaces import Denoiser
from ...networks.autoencoder import Posterior
from ...networks.unet import UNet
from ...types import Condition, Embedding
from ..batches import Draw, LatentBatch, NoisedBatch
from ..config import TrainingConfig
from ..features.dataset import Dataset
from ..features.latents import Embeddings, encode_latents
from ..features.windows import WHOLE, Window
from ..objective import Objective, check_crop
from .plans import Plans

__all__ = ["DiffusionObjective", "diffusion_loss"]

HELD_OUT, CHUNK = 96, 16
"""Number of validation pairs, and the size of their batches."""


def diffusion_loss(
    denoiser: Denoiser,
    levels: NoiseLevels,
    batch: NoisedBatch,
    condition: Condition,
    *,
    negative: Condition | None = None,
    guided: float = 0.0,
) -> Float[Tensor, " batch"]:
    """Mean squared error of each example (Ho et al. 2020, eq. 14).

    With a negative condition the target is moved away from its prediction by a share `guided` of the difference (Tang et al. 2025): the
    denoiser learns what guidance of scale 1 / (1 - guided) would predict, and needs none when it samples.
    """
    noised = levels.noised(batch.latent, batch.noise, batch.t)
    output = denoiser(noised, batch.t, replace(condition, plan=batch.plan))
    target = levels.target(batch.latent, batch.noise, batch.t)
    if negative is not None and guided:
        with torch.no_grad():
            target = target + guided * (output - denoiser(noised, batch.t, negative)).float()
    return F.mse_loss(output.float(), target, reduction="none").mean((1, 2, 3))


class DiffusionObjective(Objective):
    """Base class of objectives with the diffusion loss; `embeddings` condition the denoiser.

    Attributes:
        sampled: draw latents from the VAE's posterior instead of taking its mean.
        views: stored views of each artwork, of which training draws one.
    """

    unet: UNet
    levels: NoiseLevels
    embeddings: Embeddings
    sampled: bool = False
    views: int = 1

    def __init__(
        self,
        data: Dataset,
        config: TrainingConfig,
        checkpoint: Path,
        device: torch.device,
        *,
        crop: int,
        bands: Sequence[str] = (),
        window: Window = WHOLE,
    ) -> None:
        super().__init__(data, config, checkpoint, device)
        frames = data.frames(data.grid.latent_factor) // data.grid.latent_factor
        check_crop(crop, window.lengths(frames, data.grid), data)
        self.crop, self.window = crop, window
        self.plans = Plans.of(data, frames, data.grid.latent_rate, bands)

    def prepare(self) -> None:
        self.latents = encode_latents(self.data, self.checkpoint, self.device, self.window)

    def check_tempos(self) -> None:
        """Check that every pair has the tempo that a denoiser with a plan is told; key and band may be missing.

        Raises:
            DatasetError: one has none.
        """
        if unknown := [pair for pair, step in zip(self.data.pairs, self.plans.steps, strict=True) if not step > 0]:
            raise DatasetError(
                f"{unknown[0].music} without a tempo, and {len(unknown) - 1} more",
                "the tempo of every piece in the manifest, which a denoiser with a plan learns from",
                "Add the column tempo, or give the UNet as many in_channels as the VAE has latent_channels.",
            )

    def compiled(self) -> list[nn.Module]:
        return [self.unet]

    @abstractmethod
    def condition(self, embedding: Embedding) -> Condition:
        """The conditioning of the denoiser."""

    def told(self, batch: LatentBatch) -> Condition:
        """The conditioning of the denoiser for a batch."""
        return self.condition(batch.embedding)

    def losses(self, batch: LatentBatch) -> Float[Tensor, " batch"]:
        """The loss of each example."""
        return diffusion_loss(LatentDenoiser(self.unet), self.levels, batch, self.told(batch))

    def noised(
        self,
        draw: Draw,
        rows: Int[np.ndarray, " size"],
        partners: Int[np.ndarray, " size"] | None = None,
        *,
        beginning: bool = False,
    ) -> LatentBatch:
        """Scaled latents of `rows` with noise and their plan, and the embeddings of the same pairs or of `partners`.

        Latents are cropped at random or from the beginning.
        """
        shares, own = draw.shares()[draw.part], rows[draw.part]
        crop = own, self.crop, None if beginning else shares
        crops = self.latents.crops(*crop)
        plan = self.plans(own, self.latents.firsts(*crop))
        mean, log_variance = (torch.from_numpy(each).transpose(1, 2) for each in np.moveaxis(crops, 2, 0))
        channels, frames, height = mean.shape[1:]
        if self.sampled:
            mean = Posterior(mean, log_variance).at(draw_noise((channels, frames, height), draw.seeds()))
        latent = mean.contiguous() * self.data.grid.latent_scale
        t = torch.from_numpy(draw.levels(len(self.levels))[draw.part])
        noise = draw_noise((channels, frames, height), draw.seeds())
        partners = rows if partners is None else partners
        embedding = self.embeddings.of(partners[draw.part]) if beginning else self.viewed(draw, partners)
        return LatentBatch(latent, noise, t, embedding, plan=plan)

    def viewed(self, draw: Draw, rows: Int[np.ndarray, " size"]) -> Embedding:
        """The embeddings of random views of the artworks of `rows`, for this process."""
        views = draw.rng.integers(self.views, size=draw.size)[draw.part] if self.views > 1 else None
        return self.embeddings.of(rows[draw.part], views)

    def validate(self) -> dict[str, float]:
        """The mean loss of validation pairs, always with the same noise."""
        rows = self.validation_rows[:HELD_OUT]
        chunks = -(-len(rows) // CHUNK)
        losses = [
            self.losses(self.noised(draw, rows, beginning=True).to(self.unet.conv_in.weight.device))
            for draw in (Draw(np.random.default_rng(0), len(rows), chunk, chunks) for chunk in range(chunks))
        ]
        return {"loss": torch.cat(losses).mean().item()}
