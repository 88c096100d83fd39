"""The VAE: log-mels to a latent an eighth as long and as high, and back.

Loss: absolute error in nats, louder places counting more, plus the error of the differences between neighbouring rows
(so that notes stay narrow), plus a small Kullback-Leibler term. No adversary.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...checkpoints.folder import save_component
from ...networks.autoencoder import Autoencoder
from ..config import TrainingConfig
from ..features import Dataset
from ..objective import Batch, Objective, check_crop
from ..sketching import write_sketch

__all__ = ["VaeObjective"]


class VaeObjective(Objective):
    """Options: `crop` in mel frames, `kl` weight, `edges` weight of the differences between rows, `scale` of the latents.

    A scale that leaves latents with a spread of less than 1 moves all of the noise schedule towards noise (Chen 2023, "On the
    Importance of Noise Scheduling for Diffusion Models").
    """

    def __init__(self, data: Dataset, config: TrainingConfig) -> None:
        super().__init__()
        self.data, self.options = data, config.options
        self.trained = nn.ModuleDict({"vae": Autoencoder(config.model)})
        self.mels = data.mels()
        self.train_rows, self.validation_rows = data.rows("train"), data.rows("validation")
        self.floor = float(np.log(data.grid.floor))
        check_crop(self.options["crop"], self.mels.shape[1], data.grid.latent_factor)

    @property
    def vae(self) -> Autoencoder:
        return cast("Autoencoder", self.trained["vae"])

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        crop = self.options["crop"]
        starts = rng.integers(self.mels.shape[1] - crop + 1, size=size)
        rows = rng.choice(self.train_rows, size)
        crops = [self.mels[row, start : start + crop] for row, start in zip(rows, starts, strict=True)]
        return {"mel": torch.from_numpy(np.stack(crops).astype(np.float32))[:, None]}

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        mel = batch["mel"]
        posterior = self.vae.encode(mel)
        decoded = self.vae.decode(posterior.sample()).float()
        loudness = 1 + 3 * (1 - mel / self.floor).clamp(0, 1)
        error = (loudness * (decoded - mel).abs()).mean()
        edges = (loudness[..., 1:] * (decoded.diff(dim=-1) - mel.diff(dim=-1)).abs()).mean()
        kl = posterior.kl().mean() / mel[0].numel()
        loss = error + self.options["edges"] * edges + self.options["kl"] * kl
        return loss, {"error": error.detach(), "edges": edges.detach(), "kl": kl.detach()}

    def _held_out(self) -> Float[Tensor, "batch 1 frames bins"]:
        return torch.from_numpy(self.mels[self.validation_rows[:48]].astype(np.float32))[:, None]

    def validate(self) -> dict[str, float]:
        mel = self._held_out()
        vae = self.vae
        latent = torch.cat([vae.encode(part).mean for part in mel.split(8)])
        decoded = torch.cat([vae.decode(part) for part in latent.split(8)])
        spread = self.options["scale"] * latent.std()
        return {"log-mel error": (decoded - mel).abs().mean().item(), "latent spread": spread.item()}

    def export(self, folder: Path) -> None:
        """Write the VAE, the scale of its latents, and the sketch that previews are drawn with."""
        config = {**self.vae.config, "scaling_factor": self.options["scale"]}
        save_component(folder, "vae", self.vae, config, half=True)
        write_sketch(self.data, folder)
