"""Train the VAE, which encodes log-mels to smaller latents and decodes them.

The loss is the absolute error in nats, with more weight on loud parts, plus the error of the differences between neighbouring
bands, which keeps notes narrow, plus a small Kullback-Leibler term. There is no adversarial loss.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from ...checkpoints.folder import save_component
from ...configuration import Fields
from ...diffusion.sampling import draw_noise
from ...errors import SettingError
from ...networks.autoencoder import Autoencoder
from ..batches import Draw, MelBatch
from ..config import TrainingConfig
from ..features.dataset import Dataset
from ..grids import mel_of
from ..objective import Objective, check_crop, read_options, sized
from ..previewing import write_preview

__all__ = ["VaeObjective"]

HELD_OUT = 48


class VaeOptions(Fields):
    """Options of the stage `vae`.

    Attributes:
        crop: length of crops in mel frames.
        kl: weight of the Kullback-Leibler term.
        edges: weight of the differences between bands.
        spread: standard deviation of the scaled latents. Below 1, the whole noise schedule is noisier (Chen 2023, "On the
            Importance of Noise Scheduling for Diffusion Models"), so more of the denoiser's training goes to what spans a piece.
        scale: factor of the latents, instead of the one that gives them this spread.
    """

    crop: int
    kl: float = Field(default=1e-5, ge=0)
    edges: float = Field(default=0.5, ge=0)
    spread: float = Field(default=0.5, gt=0)
    scale: float | None = Field(default=None, gt=0)


class VaeObjective(Objective):
    """Encoder and decoder, trained together."""

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        super().__init__(data, config, checkpoint, device)
        self.options = read_options(config, VaeOptions)
        with sized(config.stage):
            self.vae = Autoencoder(config.model)
        self.trained = nn.ModuleDict({"vae": self.vae})
        self.factor = 2 ** (len(self.vae.config["block_out_channels"]) - 1)
        if data.grid.mel_bins % self.factor:
            raise SettingError(
                f"{data.grid.mel_bins} mel bins", f"a multiple of {self.factor}", "Change the mel or the VAE's blocks."
            )
        check_crop(self.options.crop, data.frames(self.factor), data, self.factor)
        self.floor = float(np.log(data.grid.floor))

    def prepare(self) -> None:
        self.mels = self.data.mels(self.factor, self.vae.config["in_channels"])

    def batch(self, draw: Draw) -> MelBatch:
        rows, shares = draw.rows(self.train_rows)[draw.part], draw.shares()[draw.part]
        mel = torch.from_numpy(self.mels.crops(rows, self.options.crop, shares)).transpose(1, 2)
        shape = (self.vae.config["latent_channels"], *(side // self.factor for side in mel.shape[2:]))
        return MelBatch(mel, draw_noise(shape, draw.seeds()))

    def forward(self, batch: MelBatch) -> tuple[Tensor, dict[str, Tensor]]:
        mel = batch.mel
        posterior = self.vae.encode(mel)
        decoded = self.vae.decode(posterior.at(batch.noise)).float()
        loudness = 1 + 3 * (1 - mel / self.floor).clamp(0, 1)
        error = (loudness * (decoded - mel).abs()).mean()
        edges = (loudness[..., 1:] * (decoded.diff(dim=-1) - mel.diff(dim=-1)).abs()).mean()
        kl = posterior.kl().mean() / mel[0].numel()
        return error + self.options.edges * edges + self.options.kl * kl, {"error": error, "edges": edges, "kl": kl}

    def validate(self) -> dict[str, float]:
        """Results on the beginnings of validation pieces, cut to the shortest of them."""
        mel, latent = self._encoded(self.validation_rows[:HELD_OUT])
        decoded = torch.cat([self.vae.decode(part) for part in latent.split(8)])
        return {"log-mel error": (decoded - mel).abs().mean().item(), "latent spread": latent.std().item()}

    def _encoded(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """The beginnings of pieces, cut to the shortest of them, and their latents, not scaled."""
        place = self.vae.quant_conv.weight.device
        mel = torch.from_numpy(self.mels.crops(rows, self.mels.shortest(rows))).transpose(1, 2).to(place)
        return mel, torch.cat([self.vae.encode(part).mean for part in mel.split(8)])

    @torch.no_grad()
    def _scale(self) -> float:
        if self.options.scale is not None:
            return self.options.scale
        _, latent = self._encoded(self.train_rows[:HELD_OUT])
        return round(self.options.spread / latent.std().item(), 5)

    def export(self, folder: Path) -> None:
        """Write the VAE, the scale of its latents, the mel it was trained on, and the latent preview."""
        config = {**self.vae.config, "scaling_factor": self._scale(), "mel": mel_of(self.data.grid)}
        save_component(folder, "vae", self.vae, config, half=True)
        write_preview(self.data, folder)
