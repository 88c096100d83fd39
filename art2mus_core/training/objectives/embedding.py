"""Train the joint embedding space of pictures and sounds, as a small ImageBind: the image encoder's head and the audio encoder.

The image encoder is the checkpoint's; its backbone and what it sees of a picture's character are frozen. The audio encoder is new, or
the checkpoint's own and frozen too, so that a new image encoder joins the space of a trained prior.

The loss is symmetric InfoNCE (Radford et al. 2021) at a fixed temperature over the whole batch, plus the error of a linear
read-out of the musical character from both embeddings, if the pairs have a character. With the contrastive loss alone, the
embeddings represent what distinguishes pairs most easily (loudness, tempo), but not mode and key, which no aligner could
restore.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, distributed, nn
from torch.nn import functional as F

from ...character import CHARACTERS, TONICS
from ...checkpoints.folder import load_component, save_component
from ...checkpoints.identity import component_digests
from ...checkpoints.names import BUNDLED, PACKAGED
from ...configuration import Fields
from ...datasets.manifest import Pair
from ...encoders.efficientnet_files import load_efficientnet, save_efficientnet
from ...encoders.files import has_audio_encoder
from ...encoders.pocket import PocketAudioEncoder
from ...errors import CheckpointError, DatasetError, SettingError
from ..batches import Draw, PairBatch
from ..config import TrainingConfig
from ..features.dataset import Dataset
from ..features.latents import backbone_digest, embed_sounds, see_artworks
from ..grids import mel_of
from ..objective import Objective, check_crop, read_options, sized
from ..processes import gathered

__all__ = ["EmbeddingObjective"]

CHUNK = 64


class EmbeddingOptions(Fields):
    """Options of the stage `embedding`.

    Attributes:
        temperature: temperature of the contrastive loss.
        crop: length of crops in mel frames.
        readout: weight of the character read-out; 0 for pairs without a character.
        frozen_audio: keep the checkpoint's audio encoder instead of training one; whole pieces are embedded, once.
    """

    temperature: float = Field(gt=0)
    crop: int
    readout: float = Field(default=0.0, ge=0)
    frozen_audio: bool = False


class EmbeddingObjective(Objective):
    """The image and the audio encoder, trained together."""

    compares, sides = True, ("artworks", "music")

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        super().__init__(data, config, checkpoint, device)
        self.options = read_options(config, EmbeddingOptions)
        image = load_efficientnet(checkpoint)
        if self.options.frozen_audio and not has_audio_encoder(checkpoint):
            raise CheckpointError(
                f"{checkpoint} has no audio_encoder",
                "the trained one that stays as it is, in whose space the image encoder's head is trained",
                f"Copy the bundled checkpoint ({PACKAGED / BUNDLED}) to {checkpoint}, then convert and fit the image encoder there "
                "again: see docs/TRAINING.md.",
            )
        with sized(config.stage):
            for layer in image.head:
                if isinstance(layer, nn.Linear):
                    layer.reset_parameters()  # of this run's seed, whatever the checkpoint's head has learnt
            sound = (
                load_component(checkpoint, "audio_encoder", PocketAudioEncoder.from_config)
                if self.options.frozen_audio
                else PocketAudioEncoder.from_config(config.model["audio"])
            )
            readout = nn.Linear(sound.config["dim"], len(CHARACTERS) + len(TONICS))
        self._check_encoders(image.config, sound.config)
        self.image_encoder, self.audio_encoder, self.backbone = image, sound, backbone_digest(image)
        self.trained = nn.ModuleDict({"image_encoder": image.head.requires_grad_()})  # loading froze it
        if not self.options.frozen_audio:
            self.trained["audio_encoder"] = sound
        if self.options.readout:
            self.trained["readout"] = readout
            known = [_character(pair) for pair in data.pairs]
            self.character = np.array([values for values, _ in known], np.float32)
            self.tonic = np.array([tonic for _, tonic in known])
        check_crop(self.options.crop, data.frames(), data)
        self._check_batch()

    def prepare(self) -> None:
        data, place = self.data, (self.checkpoint, self.device)
        seen, self.mels = see_artworks(data, self.image_encoder, *place), data.mels()
        self.seen = seen.firsts_of(data.artworks.of)
        self.heard = embed_sounds(data, *place).values if self.options.frozen_audio else None
        self._check_batch()

    def _check_batch(self) -> None:
        if self.config.batch > len(self.train_rows):
            raise DatasetError(
                f"{len(self.train_rows)} training pairs in {self.data.folder}",
                f"at least a batch of {self.config.batch}, in which each pair occurs once",
                "Make more pairs or lower the batch.",
            )

    def _check_encoders(self, image: dict[str, object], audio: dict[str, object]) -> None:
        for name, one, other in (
            ("bins", audio["bins"], self.data.grid.mel_bins),
            *((name, audio[name], image[name]) for name in ("dim", "space")),
        ):
            if one != other:
                raise SettingError(f"an audio encoder with {name} {one}", f"{name} {other}", "Correct the field model.")

    def parts(self) -> dict[str, dict[str, str]]:
        kept = ["audio_encoder"] if self.options.frozen_audio else []
        return {"checkpoint": {"image_encoder": self.backbone, **component_digests(self.checkpoint, kept)}}

    def batch(self, draw: Draw) -> PairBatch:
        rows = np.sort(draw.rows(self.train_rows, repeated=False))[draw.part]
        return self._examples(rows, self.options.crop, np.full(len(rows), draw.rng.random()))

    def _examples(self, rows: np.ndarray, crop: int, shares: np.ndarray | None = None) -> PairBatch:
        learnt = self.options.readout > 0
        return PairBatch(
            torch.from_numpy(self.seen[rows]),
            torch.from_numpy(self.mels.crops(rows, crop, shares))[:, :, 0] if self.heard is None else None,
            torch.from_numpy(self.character[rows]) if learnt else None,
            torch.from_numpy(self.tonic[rows]) if learnt else None,
            None if self.heard is None else torch.from_numpy(self.heard[rows]),
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
        audio = self.audio_encoder(batch.mel).float() if batch.heard is None else batch.heard
        return self.image_encoder(batch.seen).float(), audio

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
        """Results on the beginnings of validation pieces, cut to the shortest of them."""
        if len(self.validation_rows) < 2:
            return {}
        crop, place = self.mels.shortest(self.validation_rows), next(self.image_encoder.parameters()).device
        chunks = np.array_split(self.validation_rows, -(-len(self.validation_rows) // CHUNK))
        parts = [self._embed(self._examples(rows, crop).to(place)) for rows in chunks]
        image, audio = (torch.cat(side) for side in zip(*parts, strict=True))
        rank = ((image @ audio.T) > (image * audio).sum(-1, keepdim=True)).sum(-1)
        results = {"recall at 10": (rank < 10).float().mean().item(), "median rank": rank.float().median().item()}
        if self.options.readout:
            for side, embedding in (("image", image), ("audio", audio)):
                results |= {f"{side} {name}": value for name, value in self._read_out(embedding).items()}
        return results

    def _read_out(self, embedding: Float[Tensor, "batch dim"]) -> dict[str, float]:
        """The correlation of each character's read-out with its true value, and the share of correct tonics."""
        values, rows = self.trained["readout"](embedding).cpu(), self.validation_rows
        true, tonic = torch.from_numpy(self.character[rows]), torch.from_numpy(self.tonic[rows])
        correlations = {
            name: torch.corrcoef(torch.stack([values[:, index], true[:, index]]))[0, 1].item()
            for index, name in enumerate(CHARACTERS)
        }
        right = values[:, len(CHARACTERS) :].argmax(-1) == tonic
        return {**correlations, "tonic": right.float().mean().item()}

    def export(self, folder: Path) -> None:
        """Write the encoders that were trained; the audio encoder's configuration has the parameters of its mel."""
        save_efficientnet(folder, self.image_encoder)
        if not self.options.frozen_audio:
            audio = {**self.audio_encoder.config, "mel": mel_of(self.data.grid)}
            save_component(folder, "audio_encoder", self.audio_encoder, audio, half=True)


def _character(pair: Pair) -> tuple[list[float], int]:
    """The six values of a pair's character, and the index of its tonic in `TONICS`.

    Raises:
        DatasetError: the pair has no complete character, or comments, which moved it away from what is seen in the picture.
    """
    if pair.comments:
        raise DatasetError(
            f"pair {pair.id} has comments, and the character of what they say",
            "the character that is seen in the picture, which the read-out learns",
            "Set `readout: 0` in the options, or make pairs without comments.",
        )
    try:
        return [float(pair.character[name]) for name in CHARACTERS], TONICS.index(int(pair.character["tonic"]))
    except (KeyError, ValueError, TypeError) as error:
        raise DatasetError(
            f"pair {pair.id} has no complete character",
            f"{', '.join(CHARACTERS)} and a tonic of {', '.join(map(str, sorted(TONICS)))}, which the read-out learns",
            "Set `readout: 0` in the options; only synthetic pairs have a character.",
        ) from error


def info_nce(image: Float[Tensor, "batch dim"], audio: Float[Tensor, "batch dim"], temperature: float) -> Tensor:
    """Symmetric cross-entropy of matching images and sounds within the batch of all processes."""
    first = len(image) * distributed.get_rank() if distributed.is_initialized() else 0
    labels = torch.arange(first, first + len(image), device=image.device)
    forth, back = image @ gathered(audio).T / temperature, audio @ gathered(image).T / temperature
    return (F.cross_entropy(forth, labels) + F.cross_entropy(back, labels)) / 2
