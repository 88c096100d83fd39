"""The joint embedding: pictures and sounds of one pair are pulled together, a miniature of ImageBind.

Loss: symmetric InfoNCE (Radford et al. 2021) at a fixed temperature, plus a linear read-out of the musical character from
either embedding. The read-out is there because contrast alone keeps what tells pairs apart most easily (loudness, tempo)
and lets go of mode and key, which no aligner could bring back.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ...checkpoints.folder import save_component
from ...datasets.synthetic.correspondence import CHARACTERS, TONICS
from ...encoders.pocket import PocketAudioEncoder, PocketImageEncoder
from ...errors import DatasetError
from ..config import TrainingConfig
from ..features import Dataset
from ..objective import Batch, Objective, check_crop

__all__ = ["EmbeddingObjective"]


class EmbeddingObjective(Objective):
    """Both towers, trained together.

    Options: `temperature` of the contrast, `crop` in mel frames, `readout` weight of the character read-out.
    """

    def __init__(self, data: Dataset, config: TrainingConfig) -> None:
        super().__init__()
        self.data, self.options = data, config.options
        image, audio = PocketImageEncoder.from_config(config.model["image"]), config.model["audio"]
        sound = PocketAudioEncoder.from_config(audio)
        readout = nn.Linear(audio["dim"], len(CHARACTERS) + len(TONICS))
        self.trained = nn.ModuleDict({"image_encoder": image, "audio_encoder": sound, "readout": readout})
        self.pictures, self.mels = data.pictures(), data.mels()
        self.train_rows, self.validation_rows = data.rows("train"), data.rows("validation")
        check_crop(self.options["crop"], self.mels.shape[1])
        if config.batch > len(self.train_rows):
            raise DatasetError(
                f"{len(self.train_rows)} training pairs in {data.folder}",
                f"at least a batch of {config.batch}, since a pair may not stand against itself",
                "Make more pairs or lower the batch.",
            )
        character = [[pair.character[name] for name in CHARACTERS] for pair in data.pairs]
        tonic = [TONICS.index(int(pair.character["tonic"])) for pair in data.pairs]
        self.character, self.tonic = np.array(character, np.float32), np.array(tonic)

    @property
    def image_encoder(self) -> PocketImageEncoder:
        return cast("PocketImageEncoder", self.trained["image_encoder"])

    @property
    def audio_encoder(self) -> PocketAudioEncoder:
        return cast("PocketAudioEncoder", self.trained["audio_encoder"])

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        rows = np.sort(rng.choice(self.train_rows, size, replace=False))
        crop = self.options["crop"]
        start = int(rng.integers(self.mels.shape[1] - crop + 1))
        return self._examples(rows, slice(start, start + crop))

    def _examples(self, rows: np.ndarray, time: slice) -> Batch:
        return {
            "picture": torch.from_numpy(self.pictures[rows]).float() / 255,
            "mel": torch.from_numpy(self.mels[rows, time].astype(np.float32)),
            "character": torch.from_numpy(self.character[rows]),
            "tonic": torch.from_numpy(self.tonic[rows]),
        }

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        image, audio = self._embed(batch)
        contrast = info_nce(image, audio, self.options["temperature"])
        readout = self._readout_loss(image, batch) + self._readout_loss(audio, batch)
        return contrast + self.options["readout"] * readout, {
            "contrast": contrast.detach(),
            "readout": readout.detach(),
        }

    def _embed(self, batch: Batch) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, "batch dim"]]:
        picture, mel = batch["picture"], batch["mel"]
        return self.image_encoder(picture).float(), self.audio_encoder(mel).float()

    def _readout_loss(self, embedding: Float[Tensor, "batch dim"], batch: Batch) -> Tensor:
        values = self.trained["readout"](embedding).float()
        character, tonic = values.split([len(CHARACTERS), len(TONICS)], dim=-1)
        return 10 * F.mse_loss(character, batch["character"]) + 0.3 * F.cross_entropy(tonic * 10, batch["tonic"])

    def validate(self) -> dict[str, float]:
        batch = self._examples(self.validation_rows, slice(None))
        parts = [self._embed({k: v[i : i + 64] for k, v in batch.items()}) for i in range(0, len(batch["mel"]), 64)]
        image, audio = (torch.cat(side) for side in zip(*parts, strict=True))
        rank = ((image @ audio.T) > (image * audio).sum(-1, keepdim=True)).sum(-1)
        figures = {"recall at 10": (rank < 10).float().mean().item(), "median rank": rank.float().median().item()}
        for side, embedding in (("image", image), ("audio", audio)):
            values = self.trained["readout"](embedding)
            for index, name in enumerate(CHARACTERS):
                pair = torch.stack([values[:, index], batch["character"][:, index]])
                figures[f"{side} {name}"] = torch.corrcoef(pair)[0, 1].item()
            right = values[:, len(CHARACTERS) :].argmax(-1) == batch["tonic"]
            figures[f"{side} tonic"] = right.float().mean().item()
        return figures

    def export(self, folder: Path) -> None:
        save_component(folder, "image_encoder", self.image_encoder, self.image_encoder.config, half=True)
        save_component(folder, "audio_encoder", self.audio_encoder, self.audio_encoder.config, half=True)


def info_nce(image: Float[Tensor, "batch dim"], audio: Float[Tensor, "batch dim"], temperature: float) -> Tensor:
    """Symmetric cross-entropy of matching each side to the other within the batch."""
    logits = image @ audio.T / temperature
    labels = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
