"""Train HiFi-GAN (Kong et al. 2020), or fine-tune a published one, as Art2Music does: against discriminators, on short crops of sounds.

Generator and discriminators learn in the same step, the latter from what the former made before it. The discriminators are in the states of
the run, and not exported.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from ...audio.mel import MelTransform
from ...checkpoints.folder import load_component, read_config, save_component
from ...checkpoints.grid import mel_fields
from ...checkpoints.identity import component_digests
from ...checkpoints.names import locate
from ...configuration import Fields
from ...decoders.vocoders import VOCODERS
from ...errors import SettingError
from ...networks.discriminators import Discriminators
from ...networks.hifigan import HifiGan
from ..batches import Draw, VocodedBatch
from ..config import TrainingConfig
from ..features.dataset import Dataset
from ..grids import mel_of
from ..objective import Objective, check_crop, read_options, sized
from .adversarial import adversarial_losses
from .mel_predicted import Predicted

__all__ = ["HifiGanObjective", "HifiGanOptions"]

HELD_OUT, LONGEST = 16, 400
"""Validation pieces, and the frames that they have at most."""


class HifiGanOptions(Fields):
    """Options of the stage `hifigan`.

    Attributes:
        crop: length of crops in mel frames.
        mels: those of the sounds (`true`), or what the checkpoint's mel decoder makes of the pairs (`predicted`).
        start: name or folder of a checkpoint whose vocoder is trained on; by default it begins with random weights.
        mel: weight of the absolute error of mels.
        features: weight of the discriminators' features.
        encoder: name or folder of the image encoder, for predicted mels; by default that with which the checkpoint composes.
        text_encoder: that of the text encoder; see the stage `mel`.
    """

    crop: int = Field(ge=1)
    mels: Literal["true", "predicted"] = "true"
    start: str | None = None
    mel: float = Field(default=45.0, ge=0)
    features: float = Field(default=2.0, ge=0)
    encoder: str | None = None
    text_encoder: str | None = None


class HifiGanObjective(Objective):
    """Generator and discriminators, trained together."""

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        super().__init__(data, config, checkpoint, device)
        self.options = read_options(config, HifiGanOptions)
        with sized(config.stage):
            self.vocoder = self._generator(config.model.get("vocoder", {}))
            self.discriminators = Discriminators(config.model.get("discriminators", {}))
        for layer in self.vocoder.modules():
            if isinstance(layer, (nn.Conv1d, nn.ConvTranspose1d)):
                weight_norm(layer, dim=0)
        self.trained = nn.ModuleDict({"vocoder": self.vocoder, "discriminators": self.discriminators})
        self.trained.requires_grad_()
        self.heard = MelTransform(replace(data.grid, highest=data.grid.sample_rate / 2))
        self._check_crop()
        check_crop(self.options.crop, data.samples // data.grid.hop, data)
        self.predicted = None
        if self.options.mels == "predicted":
            self.predicted = Predicted(data, checkpoint, self.options.encoder, self.options.text_encoder)
            self.sides = ("artworks", "music")

    def prepare(self) -> None:
        if self.predicted is not None:
            self.predicted.prepare(self.data, self.device)
        self.mels, self.sounds = self.data.mels(), self.data.sounds()

    def _generator(self, sizes: dict[str, Any]) -> HifiGan:
        """The network to train.

        Raises:
            SettingError: a start of another kind, mel or sizes, or upsampling by another factor than the hop.
        """
        grid = self.data.grid
        own = {
            "model_type": "hifigan",
            "model_in_dim": grid.mel_bins,
            "sampling_rate": grid.sample_rate,
            "mel": mel_of(grid),
        }
        if self.options.start is None:
            network = HifiGan({**sizes, **own})
        else:
            folder = locate(self.options.start)
            there = (folder / "vocoder").is_dir()
            kind = str(read_config(folder, "vocoder").get("model_type")) if there else ""
            if VOCODERS.get(kind) is not HifiGan:
                found = f"whose vocoder is of the kind {kind!r}" if there else "which has no vocoder"
                raise SettingError(
                    f"`start: {self.options.start}`, {found}",
                    "a checkpoint with a HiFi-GAN",
                    "Choose another one, or leave start out.",
                )
            trained = mel_fields(folder, "vocoder")
            network = load_component(folder, "vocoder", HifiGan)
            differing = [name for name, value in mel_of(grid).items() if trained[name] != value]
            differing += [name for name, value in sizes.items() if network.config.get(name) != value]
            if differing:
                raise SettingError(
                    f"`start: {self.options.start}`, a vocoder of other {', '.join(differing)}",
                    "the same sizes and the same mel",
                    "Correct the configuration, or leave start out.",
                )
            network.config |= own
        if (factor := prod(network.config["upsample_rates"])) != grid.hop:
            raise SettingError(
                f"upsample_rates that multiply to {factor}", f"the hop {grid.hop}", "Correct the field model."
            )
        return network

    def _check_crop(self) -> None:
        """Check that a crop has enough samples for the reflection of its mel.

        Raises:
            SettingError: it has not.
        """
        least = max(self.data.grid.windows) // 2 // self.data.grid.hop + 1
        if self.options.crop < least:
            raise SettingError(
                f"crop {self.options.crop}", f"{least} frames or more, half the longest window", "Raise options.crop."
            )

    def parts(self) -> dict[str, dict[str, str]]:
        read = ("fusion", "mel_decoder") if self.predicted is not None else ()
        return {"checkpoint": component_digests(self.checkpoint, read)}

    def batch(self, draw: Draw) -> VocodedBatch:
        rows, shares = draw.rows(self.train_rows)[draw.part], draw.shares()[draw.part]
        return self._crops(rows, self.options.crop, shares)

    def _crops(self, rows: np.ndarray, frames: int, shares: np.ndarray) -> VocodedBatch:
        hop = self.data.grid.hop
        longest = self.sounds.lengths[rows] // hop
        if self.predicted is not None:
            longest = np.minimum(longest, self.predicted.frames)
        first = (shares * (longest - frames + 1)).astype(int)
        places = [*zip(rows, first, strict=True)]
        sound = np.stack([self.sounds[row][at * hop : (at + frames) * hop, 0] for row, at in places])
        mel = np.stack([self.mels[row][at : at + frames, 0] for row, at in places]).astype(np.float32)
        fused = None if self.predicted is None else self.predicted.fused[torch.from_numpy(rows)]
        heard = torch.from_numpy(sound.astype(np.float32)) / 32767
        return VocodedBatch(torch.from_numpy(mel), heard, torch.from_numpy(first), fused)

    def _made(self, batch: VocodedBatch) -> Tensor:
        mel = batch.mel
        if self.predicted is not None and batch.fused is not None:
            mel = self.predicted.crops(batch.fused, batch.first, mel.shape[1])
        return self.vocoder(mel)[:, : batch.sound.shape[1]].float()

    def _error(self, made: Tensor, wanted: Tensor) -> Tensor:
        """Mean absolute error of log-mels up to half the sample rate, in nats."""
        return (self.heard(made) - self.heard(wanted)).abs().mean()

    def forward(self, batch: VocodedBatch) -> tuple[Tensor, dict[str, Tensor]]:
        made = self._made(batch)
        terms = {**adversarial_losses(self.discriminators, made, batch.sound), "mel": self._error(made, batch.sound)}
        weights = {"features": self.options.features, "mel": self.options.mel}
        return torch.stack([weights.get(name, 1.0) * term for name, term in terms.items()]).sum(), terms

    def validate(self) -> dict[str, float]:
        """The error of the mels of what is made of the beginnings of validation pieces, cut to the shortest of them."""
        made, sound = self.beginnings(self.validation_rows[:HELD_OUT], LONGEST)
        return {"log-mel error": self._error(made, sound).item()}

    def beginnings(
        self, rows: Int[np.ndarray, " rows"], longest: int
    ) -> tuple[Float[Tensor, "rows samples"], Float[Tensor, "rows samples"]]:
        """What is made of the first frames of pieces, at most `longest` and as many as the shortest has, and the pieces themselves."""
        frames = min(longest, self.sounds.shortest(rows) // self.data.grid.hop)
        if self.predicted is not None:
            frames = min(frames, self.predicted.frames)
        batch = self._crops(rows, frames, np.zeros(len(rows))).to(self.vocoder.mean.device)
        return self._made(batch), batch.sound

    def export(self, folder: Path) -> None:
        """Write the generator, without its weight norm."""
        plain = HifiGan(self.vocoder.config)
        plain.load_state_dict({name: attrgetter(name)(self.vocoder).detach() for name in plain.state_dict()})
        save_component(folder, "vocoder", plain, self.vocoder.config, half=True)
