"""Train the vocoder with a spectral loss of several resolutions (Yamamoto, Song & Kim 2020)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from ...audio.mel import MelTransform
from ...checkpoints.folder import load_component, save_component
from ...checkpoints.identity import component_digests
from ...configuration import Fields
from ...decoders.tonewheel import TonewheelVocoder
from ...diffusion.sampling import draw_noise
from ...errors import SettingError
from ...networks.autoencoder import Autoencoder
from ...types import AudioGrid
from ..batches import Draw, SoundBatch
from ..config import TrainingConfig
from ..features.dataset import Dataset
from ..grids import mel_of
from ..objective import Objective, check_crop, read_options, sized

__all__ = ["VocoderObjective", "spectral_distance"]

HELD_OUT = 32


def spectral_distance(
    made: Float[Tensor, "batch samples"],
    wanted: Float[Tensor, "batch samples"],
    windows: list[int],
    grid: AudioGrid,
    change: float = 0.0,
) -> Tensor:
    """Mean absolute error of log-magnitudes in nats over STFTs of the given lengths, with the grid's floor added to amplitudes.

    `change` is the weight of the same error of their changes from frame to frame, which are large where notes begin. Each auditory
    filter counts the same: bins have the reciprocal of its bandwidth as weight (ERB, Glasberg & Moore 1990). Without weights nine
    tenths of the error are that above 2 kHz.
    """
    distances = []
    for size in windows:
        window = torch.hann_window(size, device=made.device)
        one, other = (
            torch.log(
                torch.stft(x, size, size // 4, window=window, return_complex=True).abs() * (2 / size) + grid.floor
            )
            for x in (made, wanted)
        )
        weights = 1 / (24.7 + 0.108 * torch.arange(size // 2 + 1, device=made.device) * grid.sample_rate / size)
        away = one - other
        errors = away.abs().mean((0, 2)) + change * away.diff(dim=-1).abs().mean((0, 2))
        distances.append((errors * weights).sum() / weights.sum())
    return torch.stack(distances).mean()


class VocoderOptions(Fields):
    """Options of the stage `vocoder`.

    Attributes:
        crop: length of crops in mel frames.
        windows: lengths of the loss's STFTs in samples.
        change: weight of changes from frame to frame in the loss, but not in validation.
        reconstructed: share of the mels that the VAE encodes and decodes first.
    """

    crop: int
    windows: list[int] = Field(min_length=1)
    change: float = Field(default=0.0, ge=0)
    reconstructed: float = Field(default=0.0, ge=0, le=1)


class VocoderObjective(Objective):
    """The vocoder, trained on the mels of sounds and on reconstructions by the VAE."""

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        super().__init__(data, config, checkpoint, device)
        self.options = read_options(config, VocoderOptions)
        with sized(config.stage):
            self.vocoder = TonewheelVocoder.from_config({**config.model, "mel": mel_of(data.grid)})
        self.trained = nn.ModuleDict({"vocoder": self.vocoder})
        self.transform = MelTransform(data.grid)
        self.vae = load_component(checkpoint, "vae", Autoencoder) if self.options.reconstructed else None
        self.factor = 2 ** (len(self.vae.config["block_out_channels"]) - 1) if self.vae else 1
        self.channels = self.vae.config["in_channels"] if self.vae else self.vocoder.config["channels"]
        if self.channels != self.vocoder.config["channels"]:
            raise SettingError(
                f"a vocoder of channels {self.vocoder.config['channels']}",
                f"{self.channels}, as the VAE of {checkpoint} has in_channels",
                "Correct the field model.",
            )
        check_crop(self.options.crop, data.samples // data.grid.hop, data, self.factor)

    def prepare(self) -> None:
        self.sounds = self.data.sounds(self.channels)

    def parts(self) -> dict[str, dict[str, str]]:
        return {"checkpoint": component_digests(self.checkpoint, ["vae"] if self.vae else [])}

    def batch(self, draw: Draw) -> SoundBatch:
        rows, shares = draw.rows(self.train_rows)[draw.part], draw.shares()[draw.part]
        sound = self._sound(rows, self.options.crop * self.data.grid.hop, shares)
        chosen = torch.from_numpy(draw.shares()[draw.part] < self.options.reconstructed)
        return SoundBatch(sound, chosen, self._noise(self.options.crop, draw.seeds()))

    def _sound(
        self, rows: np.ndarray, length: int, shares: np.ndarray | None = None
    ) -> Float[Tensor, "batch channels samples"]:
        return torch.from_numpy(self.sounds.crops(rows, length, shares)).transpose(1, 2) / 32767

    def _noise(self, frames: int, seeds: list[int]) -> Tensor | None:
        if self.vae is None:
            return None
        rows = self.data.grid.mel_bins // self.factor
        return draw_noise((self.vae.config["latent_channels"], frames // self.factor, rows), seeds)

    def _mel(self, batch: SoundBatch) -> Float[Tensor, "sounds frames bins"]:
        """The mels of all channels."""
        with torch.no_grad():
            mel = self.transform(batch.sound.float().flatten(0, 1)).unflatten(0, (-1, self.channels))
            chosen = batch.reconstructed
            if self.vae is not None and batch.noise is not None and chosen.any():
                latent = self.vae.encode(mel[chosen]).at(batch.noise[chosen])
                mel[chosen] = self.vae.decode(latent).to(mel)
        return mel.flatten(0, 1)

    def forward(self, batch: SoundBatch) -> tuple[Tensor, dict[str, Tensor]]:
        return self._distance(batch, self.options.change), {}

    def _distance(self, batch: SoundBatch, change: float = 0.0) -> Tensor:
        made, wanted = self.vocoder(self._mel(batch)).float(), batch.sound.flatten(0, 1)
        return spectral_distance(made, wanted, self.options.windows, self.data.grid, change)

    def validate(self) -> dict[str, float]:
        """Results on the beginnings of validation pieces, cut to the shortest of them."""
        rows, hop = self.validation_rows[:HELD_OUT], self.data.grid.hop * self.factor
        length = self.sounds.shortest(rows) // hop * hop
        noise = self._noise(length // self.data.grid.hop, list(range(len(rows))))
        true = SoundBatch(self._sound(rows, length), torch.zeros(len(rows), dtype=torch.bool), noise)
        true = true.to(next(self.vocoder.parameters()).device)
        results = {}
        for name, chosen in (("mel", False), ("reconstructed", self.vae is not None)):
            batch = replace(true, reconstructed=torch.full_like(true.reconstructed, chosen))
            results[f"spectral distance, {name}"] = self._distance(batch).item()
        return results

    def export(self, folder: Path) -> None:
        save_component(folder, "vocoder", self.vocoder, self.vocoder.config, half=True)
