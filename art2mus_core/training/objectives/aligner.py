"""The image aligner, the only part that sees paintings: everything else is frozen, and the loss is the prior's own.

The aligner's tokens prompt the frozen GPT-2, whose language of audio conditions the frozen denoiser (beside the checkpoint's
constant text where it reads one), which denoises the latent of the painting's own music: all as when composing, with any image
encoder and any prior.

That loss is noisy and each step of it costs a pass through the UNet. A prior that was trained here has a projection head, which
makes prompt tokens of a sound's embedding. There the aligner can imitate the head as well: of a painting it should say what the
head says of the painting's own music. This costs next to nothing on hundreds of pairs a step and gives the direction; the diffusion
loss has the last word. Published priors have no such head.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from ...aligners.files import save_aligner
from ...aligners.head import ProjectionHead
from ...aligners.visual import VisualAligner
from ...checkpoints.folder import load_component, read_config
from ...checkpoints.names import is_encoder, locate
from ...conditioning.constants import conditions
from ...conditioning.language import fingerprint, roll_out
from ...configuration import Fields
from ...diffusion.levels import read_levels
from ...errors import SettingError
from ...pipelines.parts import Choice, open_parts
from ...types import Condition, Embedding
from ..batches import AlignerBatch
from ..config import TrainingConfig
from ..draws import Draw
from ..features import Dataset
from ..latents import embed_artworks, embed_sounds
from ..objective import sized
from ..processes import gathered
from .diffusion import DiffusionObjective

__all__ = ["AlignerObjective"]


class AlignerOptions(Fields):
    """Of the stage `aligner`.

    Attributes:
        crop: in latent frames.
        name: of the file in the checkpoint's folder `aligner`.
        encoder: name or folder of the image encoder, where it is not the checkpoint's own.
        support: text constants: a name in the checkpoint's folder `constants`.
        shuffled: a control: every painting gets another pair's music.
        imitation: weight of imitating the projection head; only where the prior has one.
        imitated: pairs a step for that.
        licence: of the weights, for the record.
    """

    crop: int
    name: str = Field(default="model", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    encoder: str | None = None
    support: str = "model"
    shuffled: bool = False
    imitation: float = Field(default=0.0, ge=0)
    imitated: int = Field(default=256, ge=2)
    licence: str = "none stated"


class AlignerObjective(DiffusionObjective):
    """The aligner and the frozen parts that judge it."""

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        nn.Module.__init__(self)
        self.config = config
        self.options = self.read_options(AlignerOptions)
        if self.options.shuffled and config.batch < 2:
            raise SettingError("shuffled pairs in a batch of 1", "a batch of at least 2", "Raise the batch.")
        parts = open_parts(Choice(str(checkpoint), encoder=self.options.encoder, support=self.options.support))
        parts.check()
        self.constants, self.levels = parts.constants, read_levels(parts.schedule)
        self.encoder = _encoder_folder(checkpoint, self.options.encoder)
        head = _load_head(checkpoint) if self.options.imitation else None
        super().__init__(data, config, checkpoint, device, crop=self.options.crop)
        self.told = embed_artworks(data, self.encoder, device, patches=config.model.get("patch_dim") is not None)
        self.trained = nn.ModuleDict({"aligner": self._build(data.grid.language_width)})
        self.language_model, self.unet, self.head = parts.language_model, parts.unet, head
        self.heard = embed_sounds(data, checkpoint, device) if head else None
        for frozen in (self.language_model, self.unet):
            frozen.requires_grad_(requires_grad=False)

    def _build(self, width: int) -> VisualAligner:
        """The aligner of the configuration; what it leaves out follows from the encoder and the language model."""
        found: dict[str, Any] = {"space": self.told.space, "dim": self.told.values.shape[-1], "width": width}
        if self.told.patches is not None:
            found["patch_dim"] = self.told.patches.shape[-1]
        sizes = {**found, **self.config.model}
        if other := [name for name in found if sizes[name] not in {found[name], None}]:
            raise SettingError(
                f"an aligner with {', '.join(f'{name} {sizes[name]}' for name in other)}",
                f"{', '.join(f'{name} {found[name]}' for name in other)}, as {self.encoder.name} and "
                f"{self.checkpoint.name} have it",
                "Leave these out of the field model, or mend them.",
            )
        with sized(self.config.stage):
            return VisualAligner(**sizes)

    @property
    def aligner(self) -> VisualAligner:
        return cast("VisualAligner", self.trained["aligner"])

    def train(self, mode: bool = True) -> AlignerObjective:  # noqa: FBT001, FBT002 - torch's signature
        """Only the aligner goes into training mode; the frozen parts keep their dropout off."""
        super().train(mode)
        self.language_model.eval()
        self.unet.eval()
        return self

    def batch(self, draw: Draw) -> AlignerBatch:
        rows = draw.rows(self.train_rows)
        noised = self.noised(draw, rows, self._partners(draw, rows))
        picture = sound = None
        if self.heard:
            more = draw.of(self.options.imitated, "imitated")
            pairs = more.rows(self.train_rows)
            picture, sound = self.told.of(self._partners(more, pairs)[more.part]), self.heard.of(pairs[more.part])
        return AlignerBatch(**vars(noised), picture=picture, sound=sound)

    def _partners(self, draw: Draw, rows: np.ndarray) -> np.ndarray:
        """Whose paintings go with the music of `rows`; the control draws all else alike."""
        shift = int(draw.rng.integers(1, max(2, len(rows))))
        return np.roll(rows, shift) if self.options.shuffled else rows

    def condition(self, embedding: Embedding) -> Condition:
        prompt = self.aligner.align(embedding)
        language = roll_out(self.language_model, prompt, self.data.grid.language_tokens)
        return conditions(language, self.constants)[0]

    def forward(self, batch: AlignerBatch) -> tuple[Tensor, dict[str, Tensor]]:
        diffusion = self.losses(batch).mean()
        if batch.picture is None or batch.sound is None:
            return diffusion, {}
        imitation = self._imitation(batch.picture, batch.sound)
        return diffusion + self.options.imitation * imitation, {"diffusion": diffusion, "imitation": imitation}

    def _imitation(self, picture: Embedding, sound: Embedding) -> Tensor:
        """Squared error of the language of audio against the head's, as a share of the head's variance."""
        head = cast("ProjectionHead", self.head)
        with torch.no_grad():
            wanted = roll_out(self.language_model, head.align(sound), self.data.grid.language_tokens).values.float()
            variance = gathered(wanted.flatten(1)).var(0).mean()
        return (self.condition(picture).language.float() - wanted).square().mean() / variance

    def export(self, folder: Path) -> None:
        """Write the aligner with its header, which names the encoder and the prior that it was trained with."""
        save_aligner(
            folder / "aligner" / f"{self.options.name}.safetensors",
            self.aligner,
            run="shuffled pairs" if self.options.shuffled else "true pairs",
            licence=self.options.licence,
            half=True,
            encoder=None if self.encoder == self.checkpoint else self.encoder.resolve().name,
            prior=self.checkpoint.resolve().name,
            language=fingerprint(self.checkpoint),
        )


def _encoder_folder(checkpoint: Path, chosen: str | None) -> Path:
    if chosen:
        return locate(chosen, is_encoder)
    if is_encoder(checkpoint):
        return checkpoint
    raise SettingError(
        f"no image encoder in {checkpoint}",
        "one of its own, or the name or folder of another",
        "Write it into the options, such as `encoder: imagebind`.",
    )


def _load_head(checkpoint: Path) -> ProjectionHead:
    there = (checkpoint / "projection_model" / "config.json").is_file()
    if not there or "tokens" not in read_config(checkpoint, "projection_model"):
        raise SettingError(
            f"imitation of a projection head, and {checkpoint.name} has none for sounds",
            "imitation 0 with a published prior",
            "Set `imitation: 0` in the options, or leave it out.",
        )
    return load_component(checkpoint, "projection_model", ProjectionHead.from_config)
