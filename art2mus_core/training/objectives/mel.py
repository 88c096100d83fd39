"""Train Art2Music (2025, arXiv 2512.00120): the fusion of artwork and comments, and the mel decoder, together.

The published notebook leaves the fusion as it was drawn at random, and reads label and keywords of the target clip beside the utterance.
Here both networks are trained, on nothing but what a user has: a picture and what viewers say about it. In some examples learnt neutral
embeddings replace the comments, the artwork, or both; guidance needs the last.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...checkpoints.folder import load_component, read_config, save_component, save_index
from ...checkpoints.identity import component_digests
from ...checkpoints.names import is_commented, is_encoder, locate
from ...encoders.files import check_image_encoder, image_component, image_sizes, image_space
from ...encoders.texts import load_text_encoder
from ...errors import DatasetError, SettingError
from ...networks.fusion import GatedFusion
from ...pipelines.mel_decoders import MEL_DECODERS, MelDecoder
from ...types import Fused
from ..batches import Draw, FusedBatch
from ..config import TrainingConfig
from ..features.dataset import Dataset
from ..features.latents import embed_artworks
from ..objective import Objective, read_options, sized
from .mel_denoising import Denoising
from .mel_loss import MelLoss, MelOptions
from .mel_regression import Regression
from .mel_texts import Comments, comments_of, keep_text_encoder, text_folder
from .sources import encoder_folder

__all__ = ["MEL_LOSSES", "MelObjective", "MelOptions"]

MEL_LOSSES: dict[str, type[MelLoss]] = {"bilstm": Regression, "diffusion": Denoising}
"""By the `model_type` of the mel decoder."""

HELD_OUT, CHUNK = 96, 16
"""Number of validation pairs, and the size of their batches."""

KEPT = 2000
"""Training pairs from which the spread of the tempo is computed."""

COMPONENTS = {
    "fusion": ["art2mus", "GatedFusion"],
    "mel_decoder": ["art2mus", "MelDecoder"],
    "vocoder": ["art2mus", "Vocoder"],
}


class MelObjective(Objective):
    """Fusion and mel decoder, trained together."""

    sides = ("artworks", "music")

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        super().__init__(data, config, checkpoint, device)
        self.options = read_options(config, MelOptions)
        if data.unpaired:
            raise DatasetError(
                f"{data.folder} has no pairs", "pairs with comments", "Pair it with `art2mus dataset pair`."
            )
        self.encoder = encoder_folder(checkpoint, self.options.encoder)
        check_image_encoder(self.encoder)
        self.texts = text_folder(checkpoint, self.encoder, self.options.text_encoder)
        reader, told = load_text_encoder(self.texts), comments_of(data)
        with sized(config.stage):
            self.learning = self._loss(config.model)
            spaces = {"text_space": reader.space, "image_space": image_space(self.encoder)}
            dims = {"text_dim": reader.dim, "image_dim": image_sizes(self.encoder)["dim"], **config.model["fusion"]}
            self.fusion = GatedFusion(
                {"model_type": "gated_residual", **dims, "neutral": self._neutral(told), "normalised": False, **spaces}
            )
        self.trained = nn.ModuleDict({"fusion": self.fusion, **self.learning.networks})
        if self.options.start is not None:
            self._begin(locate(self.options.start, is_commented))

    def _begin(self, folder: Path) -> None:
        """Take the weights of a checkpoint.

        Raises:
            SettingError: it is no Art2Music, or has another kind of mel decoder, another codec, or networks of other sizes, mels or
                encoders.
            CheckpointError: a network is missing or damaged.
        """
        if not is_commented(folder):
            raise SettingError(
                f"`start: {self.options.start}`, which is no model that reads comments",
                "a checkpoint with fusion and mel decoder, as the stage mel makes it",
                "Choose one of your own trainings of that stage, or leave start out.",
            )
        kind = self.config.model["mel_decoder"]["model_type"]
        differing = [] if read_config(folder, "mel_decoder").get("model_type") == kind else ["mel_decoder.model_type"]
        read = [part for part in self.learning.read if (folder / part).is_dir()]  # half a codec where it is shipped
        if component_digests(folder, read) != component_digests(self.checkpoint, read):
            differing.append("codec")
        builders = {"fusion": GatedFusion, **MEL_DECODERS[kind].networks}
        for name, network in self.trained.items() if not differing else ():
            found: Any = load_component(folder, name, builders[name])
            own = json.loads(json.dumps(network.config))  # as files have it
            differing += [f"{name}.{each}" for each in own if each != "spread" and found.config.get(each) != own[each]]
            if not differing:
                network.load_state_dict(found.state_dict())
        if differing:
            raise SettingError(
                f"`start: {self.options.start}`, which differs in {', '.join(differing)}",
                "a checkpoint with the same codec, sizes, mel and encoders",
                "Correct the configuration, or leave start out.",
            )

    def prepare(self) -> None:
        self.comments = Comments.of(self.data, self.texts, self.device)
        self.learning.prepare(self.data, self.checkpoint, self.device)
        self.artworks = embed_artworks(self.data, self.encoder, self.device, patches=False, normalised=False)

    def _neutral(self, comments: Sequence[tuple[str, ...]]) -> bool:
        """Whether there are examples from which neutral embeddings are learnt."""
        dropped = self.options.drop + self.options.drop_text + self.options.drop_image
        return dropped > 0 or not all(comments)

    def _loss(self, model: dict[str, Any]) -> MelLoss:
        kind = model["mel_decoder"].get("model_type")
        if kind not in MEL_LOSSES:
            raise SettingError(
                f"a mel decoder of model_type {kind!r}", f"one of {', '.join(MEL_LOSSES)}", "Correct the field model."
            )
        sizes = {**model["mel_decoder"], "fused_dim": model["fusion"]["dim"]}
        return MEL_LOSSES[kind](self.data, sizes, self.options, self.checkpoint)

    def compiled(self) -> list[nn.Module]:
        return [self.trained["mel_decoder"]]

    def parts(self) -> dict[str, dict[str, str]]:
        return {
            "checkpoint": component_digests(self.checkpoint, self.learning.read),
            "encoder": component_digests(self.encoder, [image_component(self.encoder)]),
            "texts": self.comments.digests,
        }

    def batch(self, draw: Draw) -> FusedBatch:
        rows = draw.rows(self.train_rows)
        return self._batch(draw, rows, draw.shares())

    def _batch(self, draw: Draw, rows: np.ndarray, shares: np.ndarray, *, training: bool = True) -> FusedBatch:
        sides = self._sides(draw, rows, shares, training=training)
        return replace(sides, target=self.learning.target(draw, rows, shares))

    def _sides(self, draw: Draw, rows: np.ndarray, shares: np.ndarray, *, training: bool) -> FusedBatch:
        """The pairs `rows`; below `drop`, a share drops text and artwork, then the text alone, then the artwork alone."""
        text, has = self.comments.drawn(draw, rows, all_of_them=not training)
        image = self.artworks.of(rows[draw.part]).values
        options, own = self.options, torch.from_numpy(shares[draw.part])
        both, without_text, without_image = np.cumsum([options.drop, options.drop_text, options.drop_image])
        shown = (own >= both) & ((own < without_text) | (own >= without_image))
        return FusedBatch(text, image, has & (own >= without_text), shown)

    def fused(self, batch: FusedBatch) -> Fused:
        """Both sides as one vector; neutral ones stand for what is not there."""
        no_text, no_image = self.fusion.neutral_text, self.fusion.neutral_image
        if no_text is None or no_image is None:
            return Fused(self.fusion(batch.text, batch.image))
        text = torch.where(batch.told[:, None], batch.text, no_text)
        image = torch.where(batch.shown[:, None], batch.image, no_image)
        return Fused(self.fusion(text, image), self.fusion(no_text[None], no_image[None]))

    def _losses(self, batch: FusedBatch) -> tuple[Float[Tensor, " batch"], dict[str, Tensor]]:
        return self.learning.losses(self.fused(batch), batch.target, batch.told | batch.shown)

    def forward(self, batch: FusedBatch) -> tuple[Tensor, dict[str, Tensor]]:
        losses, terms = self._losses(batch)
        loss = losses.mean()
        return loss + self.learning.beside(terms), {"mel": loss, **terms}

    def validate(self) -> dict[str, float]:
        """The mean loss of validation pairs with all their comments, always with the same noise."""
        rows, device = self.validation_rows[:HELD_OUT], self.fusion.residual.weight.device
        count = -(-len(rows) // CHUNK)
        draws = (Draw(np.random.default_rng(0), len(rows), chunk, count) for chunk in range(count))
        batches = (self._batch(draw, rows, np.ones(len(rows)), training=False).to(device) for draw in draws)
        return {"loss": torch.cat([self._losses(batch)[0] for batch in batches]).mean().item()}

    @torch.no_grad()
    def _settle(self) -> None:
        rows, device = self.train_rows[:KEPT], self.fusion.residual.weight.device
        draw = Draw(np.random.default_rng(0), len(rows))
        fused = self.fused(self._sides(draw, rows, np.ones(len(rows)), training=False).to(device))
        self.learning.settle(rows, fused.values)

    def decoder(self) -> MelDecoder:
        """The mel decoder with the weights as they are, to compose with what :attr:`fusion` makes."""
        self._settle()
        return self.learning.decoder()

    def export(self, folder: Path) -> None:
        """Write fusion, mel decoder and what belongs to it, and a copy of the text encoder."""
        self._settle()
        save_component(folder, "fusion", self.fusion, self.fusion.config, half=True)
        self.learning.export(folder)
        keep_text_encoder(self.texts, self.encoder, folder)
        other = {} if is_encoder(folder) else {"encoder": self.encoder.resolve().name}
        save_index(folder, {**COMPONENTS, **other}, self.options.defaults, kind="Art2MusicPipeline")
