"""The vocoder: log-mel to sound, compared in short-time spectra of several resolutions (Yamamoto, Song & Kim 2020)."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...audio.mel import MelTransform
from ...checkpoints.folder import save_component
from ...decoders.tonewheel import TonewheelVocoder
from ..config import TrainingConfig
from ..features import Dataset
from ..objective import Batch, Objective, check_crop
from ..parts import load_vae

__all__ = ["VocoderObjective", "spectral_distance"]


def spectral_distance(
    made: Float[Tensor, "batch samples"], wanted: Float[Tensor, "batch samples"], windows: list[int], floor: float
) -> Tensor:
    """Absolute error of log-magnitudes in nats, mean over STFTs of the given lengths; amplitudes below `floor` are equal."""
    distances = []
    for size in windows:
        window = torch.hann_window(size, device=made.device)
        one, other = (
            torch.stft(x, size, size // 4, window=window, return_complex=True).abs() * (2 / size)
            for x in (made, wanted)
        )
        distances.append((torch.log(one + floor) - torch.log(other + floor)).abs().mean())
    return torch.stack(distances).mean()


class VocoderObjective(Objective):
    """Options: `crop` in mel frames, `windows` of the loss, `reconstructed` share of mels that went through the VAE."""

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path) -> None:
        super().__init__()
        self.data, self.options = data, config.options
        self.trained = nn.ModuleDict({"vocoder": TonewheelVocoder.from_config(config.model)})
        self.transform = MelTransform(data.grid)
        self.vae = load_vae(checkpoint) if config.options["reconstructed"] > 0 else None
        self.sounds = data.sounds()
        frames, multiple = self.sounds.shape[1] // data.grid.hop, data.grid.latent_factor if self.vae else 1
        check_crop(self.options["crop"], frames, multiple)
        self.train_rows, self.validation_rows = data.rows("train"), data.rows("validation")

    @property
    def vocoder(self) -> TonewheelVocoder:
        return cast("TonewheelVocoder", self.trained["vocoder"])

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        hop, crop = self.data.grid.hop, self.options["crop"]
        frames = self.sounds.shape[1] // hop
        starts = rng.integers(frames - crop + 1, size=size) * hop
        rows = rng.choice(self.train_rows, size)
        crops = [self.sounds[row, start : start + crop * hop] for row, start in zip(rows, starts, strict=True)]
        share = self.options["reconstructed"]
        sound = torch.from_numpy(np.stack(crops).astype(np.float32)) / 32767
        return {"sound": sound, "reconstructed": torch.from_numpy(rng.random(size) < share)}

    def _mel(self, batch: Batch) -> Float[Tensor, "batch frames bins"]:
        with torch.no_grad():
            mel = self.transform(batch["sound"].float())
            chosen = batch["reconstructed"]
            if self.vae is not None and chosen.any():
                latent = self.vae.encode(mel[chosen][:, None]).sample()
                mel[chosen] = self.vae.decode(latent)[:, 0].to(mel)
        return mel

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        made = self.vocoder(self._mel(batch)).float()
        return spectral_distance(made, batch["sound"], self.options["windows"], self.data.grid.floor), {}

    def validate(self) -> dict[str, float]:
        sound = torch.from_numpy(self.sounds[self.validation_rows[:32]].astype(np.float32)) / 32767
        figures = {}
        for name, chosen in (("mel", False), ("reconstructed", self.vae is not None)):
            batch = {"sound": sound, "reconstructed": torch.full((len(sound),), chosen)}
            made = self.vocoder(self._mel(batch))
            distance = spectral_distance(made, sound, self.options["windows"], self.data.grid.floor)
            figures[f"spectral distance, {name}"] = distance.item()
        return figures

    def export(self, folder: Path) -> None:
        save_component(folder, "vocoder", self.vocoder, self.vocoder.config, half=True)
