"""Train the mel codec, whose latents Art2Music's mel decoder by diffusion denoises.

The loss is the absolute error of normalised mels plus a small Kullback-Leibler term, which keeps latents that are denoised with an error
near those the decoder knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from ...audio.normalisation import read_normalisation
from ...checkpoints.folder import save_component
from ...configuration import Fields
from ...diffusion.sampling import draw_noise
from ...networks.autoencoder import Posterior
from ...networks.mel_codec import CodecDecoder, CodecEncoder, codec_factor
from ..batches import Draw, MelBatch
from ..config import TrainingConfig
from ..features.dataset import Dataset
from ..grids import mel_of
from ..objective import Objective, check_crop, read_options, sized

__all__ = ["RANGE", "CodecObjective"]

RANGE: dict[str, Any] = {"name": "range", "low": -8.112, "high": 1.0}
"""From the logarithm of the floor 3e-4 of a mel; the loudest music is near 1."""

HELD_OUT, MEASURED = 48, 500
"""Validation pieces, and training pieces from which the moments of latents are computed."""


class CodecOptions(Fields):
    """Options of the stage `codec`.

    Attributes:
        crop: length of crops in mel frames.
        kl: weight of the Kullback-Leibler term, a mean over the numbers of a latent.
        normalisation: of mels, by name; see :data:`~art2mus_core.audio.normalisation.NORMALISATIONS`.
    """

    crop: int
    kl: float = Field(default=3e-4, ge=0)
    normalisation: dict[str, Any] = Field(default_factory=lambda: dict(RANGE))


class CodecObjective(Objective):
    """Encoder and decoder, trained together."""

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        super().__init__(data, config, checkpoint, device)
        self.options = read_options(config, CodecOptions)
        self.normalisation = read_normalisation(self.options.normalisation, data.grid.mel_bins)
        sizes = {**config.model, "mel": mel_of(data.grid), "normalisation": self.options.normalisation}
        with sized(config.stage):
            self.encoder, self.decoder = CodecEncoder(sizes), CodecDecoder(sizes)
        self.trained = nn.ModuleDict({"codec_encoder": self.encoder, "codec_decoder": self.decoder})
        self.factor = codec_factor(self.encoder.config)
        check_crop(self.options.crop, data.frames(self.factor), data, self.factor)

    def prepare(self) -> None:
        self.mels = self.data.mels(self.factor)

    def batch(self, draw: Draw) -> MelBatch:
        rows, shares = draw.rows(self.train_rows)[draw.part], draw.shares()[draw.part]
        mel = self._mel(self.mels.crops(rows, self.options.crop, shares)[:, :, 0])
        shape = (1, self.options.crop // self.factor, self.encoder.config["latent_dim"])
        return MelBatch(mel[:, None], draw_noise(shape, draw.seeds()))

    def _mel(self, values: np.ndarray) -> Float[Tensor, "batch frames bins"]:
        return self.normalisation.apply(torch.from_numpy(values.astype(np.float32)))

    def forward(self, batch: MelBatch) -> tuple[Tensor, dict[str, Tensor]]:
        mean, log_variance = self.encoder(batch.mel[:, 0])
        posterior = Posterior(mean[:, None].float(), log_variance[:, None].float())
        decoded = self.decoder(posterior.at(batch.noise)[:, 0]).float()
        error = (decoded - batch.mel[:, 0]).abs().mean()
        kl = posterior.kl().mean() / mean[0].numel()
        return error + self.options.kl * kl, {"error": error, "kl": kl}

    def validate(self) -> dict[str, float]:
        """The absolute error in nats on the beginnings of validation pieces, cut to the shortest of them."""
        rows = self.validation_rows[:HELD_OUT]
        length = self.mels.shortest(rows) // self.factor * self.factor
        mel = self._mel(self.mels.crops(rows, length)[:, :, 0]).to(self.decoder.mean.device)
        decoded = torch.cat([self.decoder(self.encoder(part)[0]) for part in mel.split(8)])
        away = self.normalisation.undo(decoded.float()) - self.normalisation.undo(mel)
        return {"log-mel error": away.abs().mean().item()}

    @torch.no_grad()
    def _measure(self) -> None:
        """Give the decoder the moments of the encoder's means over training pieces."""
        latent = torch.cat([*self._latents(self.train_rows[:MEASURED])])
        self.decoder.mean.copy_(latent.mean(0))
        self.decoder.std.copy_(latent.std(0, correction=0).clamp_min(1e-3))

    def _latents(self, rows: np.ndarray) -> Iterator[Float[Tensor, "few latent_dim"]]:
        for row in rows:
            mel = self._mel(self.mels[row][None, :, 0]).to(self.decoder.mean.device)
            yield self.encoder(mel)[0][0].float()

    def export(self, folder: Path) -> None:
        """Write both networks; the decoder has the moments of latents in which they are standardised."""
        self._measure()
        save_component(folder, "codec_encoder", self.encoder, self.encoder.config, half=True)
        save_component(folder, "codec_decoder", self.decoder, self.decoder.config, half=True)
