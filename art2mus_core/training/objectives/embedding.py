"""The joint embedding: pictures and sounds of one pair are pulled together, a miniature of ImageBind.

Loss: symmetric InfoNCE (Radford et al. 2021) at a fixed temperature over the whole batch, plus a linear read-out of the musical
character from either embedding where the pairs have one. The read-out is there because contrast alone keeps what tells pairs apart
most easily (loudness, tempo) and lets go of mode and key, which no aligner could bring back.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, distributed, nn
from torch.nn import functional as F

from ...checkpoints.folder import save_component
from ...configuration import Fields
from ...datasets.manifest import Pair
from ...datasets.synthetic.correspondence import CHARACTERS, TONICS
from ...encoders.pocket import PocketAudioEncoder, PocketImageEncoder
from ...errors import DatasetError, SettingError
from ..batches import PairBatch
from ..config import TrainingConfig
from ..draws import Draw
from ..features import Dataset
from ..grids import mel_of
from ..objective import Objective, check_crop, sized
from ..processes import gathered

__all__ = ["EmbeddingObjective"]

CHUNK = 64


class EmbeddingOptions(Fields):
    """Of the stage `embedding`.

    Attributes:
        temperature: of the contrast.
        crop: in mel frames.
        readout: weight of the character read-out; 0 for pairs without a character.
    """

    temperature: float = Field(gt=0)
    crop: int
    readout: float = Field(default=0.0, ge=0)


class EmbeddingObjective(Objective):
    """Both towers, trained together."""

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        super().__init__(data, config, checkpoint, device)
        self.options = self.read_options(EmbeddingOptions)
        with sized(config.stage):
            image = PocketImageEncoder.from_config(config.model["image"])
            sound = PocketAudioEncoder.from_config(config.model["audio"])
            readout = nn.Linear(config.model["audio"]["dim"], len(CHARACTERS) + len(TONICS))
        self._check_towers(image.config, sound.config)
        self.trained = nn.ModuleDict({"image_encoder": image, "audio_encoder": sound})
        if self.options.readout:
            self.trained["readout"] = readout
            known = [_character(pair) for pair in data.pairs]
            self.character = np.array([values for values, _ in known], np.float32)
            self.tonic = np.array([tonic for _, tonic in known])
        self.pictures, self.mels = data.pictures(image.config["size"]), data.mels()
        check_crop(self.options.crop, self.mels, data)
        if config.batch > len(self.train_rows):
            raise DatasetError(
                f"{len(self.train_rows)} training pairs in {data.folder}",
                f"at least a batch of {config.batch}, since a pair may not stand against itself",
                "Make more pairs or lower the batch.",
            )

    def _check_towers(self, image: dict[str, object], audio: dict[str, object]) -> None:
        for name, one, other in (
            ("bins", audio["bins"], self.data.grid.mel_bins),
            *((name, audio[name], image[name]) for name in ("dim", "space")),
        ):
            if one != other:
                raise SettingError(f"an audio encoder with {name} {one}", f"{name} {other}", "Mend the field model.")

    @property
    def image_encoder(self) -> PocketImageEncoder:
        return cast("PocketImageEncoder", self.trained["image_encoder"])

    @property
    def audio_encoder(self) -> PocketAudioEncoder:
        return cast("PocketAudioEncoder", self.trained["audio_encoder"])

    def batch(self, draw: Draw) -> PairBatch:
        rows = np.sort(draw.rng.choice(self.train_rows, draw.size, replace=False))[draw.part]
        return self._examples(rows, self.options.crop, np.full(len(rows), draw.rng.random()))

    def _examples(self, rows: np.ndarray, crop: int, shares: np.ndarray | None = None) -> PairBatch:
        learnt = self.options.readout > 0
        return PairBatch(
            torch.from_numpy(self.pictures.values[rows]).float() / 255,
            torch.from_numpy(self.mels.crops(rows, crop, shares)),
            torch.from_numpy(self.character[rows]) if learnt else None,
            torch.from_numpy(self.tonic[rows]) if learnt else None,
        )

    def forward(self, batch: PairBatch) -> tuple[Tensor, dict[str, Tensor]]:
        image, audio = self._embed(batch)
        contrast = info_nce(image, audio, self.options.temperature)
        if batch.character is None or batch.tonic is None:
            return contrast, {}
        readout, more = (self._readout_loss(side, batch.character, batch.tonic) for side in (image, audio))
        readout += more
        return contrast + self.options.readout * readout, {"contrast": contrast, "readout": readout}

    def _embed(self, batch: PairBatch) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, "batch dim"]]:
        return self.image_encoder(batch.picture).float(), self.audio_encoder(batch.mel).float()

    def _readout_loss(
        self,
        embedding: Float[Tensor, "batch dim"],
        character: Float[Tensor, "batch characters"],
        tonic: Int[Tensor, " batch"],
    ) -> Tensor:
        values = self.trained["readout"](embedding).float()
        read, key = values.split([len(CHARACTERS), len(TONICS)], dim=-1)
        return 10 * F.mse_loss(read, character) + 0.3 * F.cross_entropy(key * 10, tonic)

    def validate(self) -> dict[str, float]:
        """On the beginnings of held-out pieces, as long as the shortest of them."""
        if len(self.validation_rows) < 2:
            return {}
        crop, place = self.mels.shortest(self.validation_rows), next(self.image_encoder.parameters()).device
        chunks = np.array_split(self.validation_rows, -(-len(self.validation_rows) // CHUNK))
        parts = [self._embed(self._examples(rows, crop).to(place)) for rows in chunks]
        image, audio = (torch.cat(side) for side in zip(*parts, strict=True))
        rank = ((image @ audio.T) > (image * audio).sum(-1, keepdim=True)).sum(-1)
        figures = {"recall at 10": (rank < 10).float().mean().item(), "median rank": rank.float().median().item()}
        if self.options.readout:
            for side, embedding in (("image", image), ("audio", audio)):
                figures |= {f"{side} {name}": value for name, value in self._read_out(embedding).items()}
        return figures

    def _read_out(self, embedding: Float[Tensor, "batch dim"]) -> dict[str, float]:
        """Correlation of each value of the character with what is read out, and the share of right tonics."""
        values, rows = self.trained["readout"](embedding).cpu(), self.validation_rows
        true, tonic = torch.from_numpy(self.character[rows]), torch.from_numpy(self.tonic[rows])
        figures = {
            name: torch.corrcoef(torch.stack([values[:, index], true[:, index]]))[0, 1].item()
            for index, name in enumerate(CHARACTERS)
        }
        right = values[:, len(CHARACTERS) :].argmax(-1) == tonic
        return {**figures, "tonic": right.float().mean().item()}

    def export(self, folder: Path) -> None:
        """Write both towers; the audio encoder's configuration says which mel it was trained on."""
        audio = {**self.audio_encoder.config, "mel": mel_of(self.data.grid)}
        save_component(folder, "image_encoder", self.image_encoder, self.image_encoder.config, half=True)
        save_component(folder, "audio_encoder", self.audio_encoder, audio, half=True)


def _character(pair: Pair) -> tuple[list[float], int]:
    """The six values of a pair's character, and the row of its tonic in `TONICS`.

    Raises:
        DatasetError: the pair has no such character.
    """
    try:
        return [float(pair.character[name]) for name in CHARACTERS], TONICS.index(int(pair.character["tonic"]))
    except (KeyError, ValueError, TypeError) as error:
        raise DatasetError(
            f"pair {pair.id} has no whole character",
            f"{', '.join(CHARACTERS)} and a tonic of {', '.join(map(str, sorted(TONICS)))}, which the read-out learns",
            "Set `readout: 0` in the options: pairs of other origin have no character.",
        ) from error


def info_nce(image: Float[Tensor, "batch dim"], audio: Float[Tensor, "batch dim"], temperature: float) -> Tensor:
    """Symmetric cross-entropy of matching each side to the other within the batch of all processes."""
    first = len(image) * distributed.get_rank() if distributed.is_initialized() else 0
    labels = torch.arange(first, first + len(image), device=image.device)
    forth, back = image @ gathered(audio).T / temperature, audio @ gathered(image).T / temperature
    return (F.cross_entropy(forth, labels) + F.cross_entropy(back, labels)) / 2
