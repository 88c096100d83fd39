"""Train the image aligner with the diffusion loss of the prior; all other parts are frozen.

As when composing, the aligner maps an image embedding to prompt tokens for GPT-2, whose language of audio conditions the
denoiser, together with the checkpoint's text constants if it has them. The loss is the error of denoising the latent of the
artwork's music. Any image encoder and any prior can be used.

This loss is noisy, and each step needs a pass through the UNet. A prior of the stage `prior` has a projection head, which maps
audio embeddings to prompt tokens, and the aligner can imitate it: the language of audio of an artwork should equal that of its
music through the head. Imitation is cheap even for hundreds of pairs per step and determines the coarse result, which the
diffusion loss refines. Published priors have no such head.
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
from ...checkpoints.lora import save_lora
from ...checkpoints.names import is_encoder, locate, lora_beside
from ...conditioning.constants import conditions
from ...conditioning.language import fingerprint, roll_out
from ...conditioning.plan import misreadings
from ...configuration import Fields
from ...diffusion.levels import read_levels
from ...errors import SettingError
from ...networks.unet import UNet
from ...pipelines.parts import Choice, open_parts
from ...types import Condition, Embedding, Plan
from ..adapters import LoraFields, add_lora
from ..batches import AlignerBatch, Draw, seeded
from ..config import TrainingConfig
from ..features import Dataset
from ..latents import embed_artworks, embed_sounds
from ..objective import read_options, sized
from ..processes import gathered
from .diffusion import DiffusionObjective

__all__ = ["AlignerObjective"]


class AlignerOptions(Fields):
    """Options of the stage `aligner`.

    Attributes:
        crop: length of crops in latent frames.
        name: name of the file in the checkpoint's folder `aligner`.
        encoder: name or folder of the image encoder, if it is not the checkpoint's.
        support: name of the text constants in the checkpoint's folder `constants`.
        shuffled: pair each artwork with another one's music, as a control.
        imitation: weight of imitating the projection head; 0 if the prior has none.
        imitated: number of pairs per step for the imitation.
        lora: LoRA of the denoiser, trained beside the aligner; by default none.
        licence: licence of the weights, for the file's header.
    """

    crop: int
    name: str = Field(default="model", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    encoder: str | None = None
    support: str = "model"
    shuffled: bool = False
    imitation: float = Field(default=0.0, ge=0)
    imitated: int = Field(default=256, ge=2)
    lora: LoraFields | None = None
    licence: str = "none stated"


class AlignerObjective(DiffusionObjective):
    """The aligner, with the frozen parts through which its loss is computed."""

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        options = read_options(config, AlignerOptions)
        if options.shuffled and config.batch < 2:
            raise SettingError("shuffled pairs in a batch of 1", "a batch of at least 2", "Raise the batch.")
        parts = open_parts(Choice(str(checkpoint), encoder=options.encoder, support=options.support))
        parts.check()
        head = _load_head(checkpoint) if options.imitation else None
        encoder = _encoder_folder(checkpoint, options.encoder)
        bands = parts.plan_model.config["bands"] if parts.plan_model else []
        lora = _lora(parts.unet, options.lora, config.seed)  # before the features, which take long
        super().__init__(data, config, checkpoint, device, crop=options.crop, bands=bands)
        self.options, self.encoder = options, encoder
        self.constants, self.levels = parts.constants, read_levels(parts.schedule)
        self.embeddings = embed_artworks(data, encoder, device, patches=config.model.get("patch_dim") is not None)
        self.aligner = self._build(data.grid.language_width)
        self.trained = nn.ModuleDict({"aligner": self.aligner, **lora})
        if options.lora and options.lora.learning_rate:
            self.rates = {"lora": options.lora.learning_rate}
        self.language_model, self.unet, self.head = parts.language_model, parts.unet, head
        self.plan_model = parts.plan_model
        self.sounds = embed_sounds(data, checkpoint, device) if head else None
        for frozen in (self.language_model, self.unet, *([self.plan_model] if self.plan_model else [])):
            frozen.requires_grad_(requires_grad=False)
        self.trained.requires_grad_()

    def _build(self, width: int) -> VisualAligner:
        """Build the aligner of the configuration; missing sizes follow from the encoder and the language model."""
        found: dict[str, Any] = {
            "space": self.embeddings.space,
            "dim": self.embeddings.values.shape[-1],
            "width": width,
        }
        if self.embeddings.patches is not None:
            found["patch_dim"] = self.embeddings.patches.shape[-1]
        sizes = {**found, **self.config.model}
        if other := [name for name in found if sizes[name] not in {found[name], None}]:
            raise SettingError(
                f"an aligner with {', '.join(f'{name} {sizes[name]}' for name in other)}",
                f"{', '.join(f'{name} {found[name]}' for name in other)}, as {self.encoder.name} and "
                f"{self.checkpoint.name} have it",
                "Correct these in the field model, or remove them.",
            )
        with sized(self.config.stage):
            return VisualAligner(**sizes)

    def train(self, mode: bool = True) -> AlignerObjective:  # noqa: FBT001, FBT002 - torch's signature
        """Set the mode of the aligner; frozen parts stay in evaluation mode, without dropout."""
        super().train(mode)
        self.language_model.eval()
        self.unet.eval()
        return self

    def batch(self, draw: Draw) -> AlignerBatch:
        rows = draw.rows(self.train_rows)
        noised = self.noised(draw, rows, self._partners(draw, rows))
        picture = sound = composed = None
        if self.sounds:
            more = draw.of(self.options.imitated, "imitated")
            pairs = more.rows(self.train_rows)
            picture = self.embeddings.of(self._partners(more, pairs)[more.part])
            sound = self.sounds.of(pairs[more.part])
            composed = self.plans(pairs[more.part], first=np.zeros(len(picture.values), np.int64))
        return AlignerBatch(**vars(noised), picture=picture, sound=sound, composed=composed)

    def _partners(self, draw: Draw, rows: np.ndarray) -> np.ndarray:
        """The pairs whose artworks are combined with the music of `rows`; other draws are the same in the control."""
        shift = int(draw.rng.integers(1, max(2, len(rows))))
        return np.roll(rows, shift) if self.options.shuffled else rows

    def condition(self, embedding: Embedding) -> Condition:
        prompt = self.aligner.align(embedding)
        language = roll_out(self.language_model, prompt, self.data.grid.language_tokens)
        return conditions(language, self.constants)[0]

    def forward(self, batch: AlignerBatch) -> tuple[Tensor, dict[str, Tensor]]:
        diffusion = self.losses(batch).mean()
        if batch.picture is None or batch.sound is None or batch.composed is None:
            return diffusion, {}
        imitation = self._imitation(batch.picture, batch.sound, batch.composed)
        return diffusion + self.options.imitation * imitation, {"diffusion": diffusion, "imitation": imitation}

    def _imitation(self, picture: Embedding, sound: Embedding, composed: Plan) -> Tensor:
        """Squared error of the language of audio, relative to the variance of the head's, and the errors of reading its plan, if the prior has one."""
        head = cast("ProjectionHead", self.head)
        with torch.no_grad():
            wanted = roll_out(self.language_model, head.align(sound), self.data.grid.language_tokens).values.float()
            variance = gathered(wanted.flatten(1)).var(0).mean()
        found = self.condition(picture).language
        error = (found.float() - wanted).square().mean() / variance
        if self.plan_model is None:
            return error
        return error + sum(misreadings(self.plan_model, found, composed, self.data.grid.latent_rate).values())

    def export(self, folder: Path) -> None:
        """Write the aligner, with the encoder and the prior of its training in the header, and the LoRA beside it."""
        path = folder / "aligner" / f"{self.options.name}.safetensors"
        recorded = {
            "licence": self.options.licence,
            "run": "shuffled pairs" if self.options.shuffled else "true pairs",
        }
        save_aligner(
            path,
            self.aligner,
            **recorded,
            half=True,
            encoder=None if self.encoder == self.checkpoint else self.encoder.resolve().name,
            prior=self.checkpoint.resolve().name,
            language=fingerprint(self.checkpoint),
        )
        if self.options.lora:
            weights, alpha = self.trained["lora"].state_dict(), self.options.lora.alpha
            save_lora(lora_beside(path), weights, alpha=alpha, prior=self.checkpoint, **recorded)


def _lora(unet: UNet, fields: LoraFields | None, seed: int) -> dict[str, nn.Module]:
    """The LoRA among the trained modules, if there is one; the aligner starts from the same weights with and without it."""
    if fields is None:
        return {}
    with seeded(seed, torch.device("cpu")):
        return {"lora": add_lora(unet, fields)}


def _encoder_folder(checkpoint: Path, chosen: str | None) -> Path:
    if chosen:
        return locate(chosen, is_encoder)
    if is_encoder(checkpoint):
        return checkpoint
    raise SettingError(
        f"no image encoder in {checkpoint}",
        "one of its own, or the name or folder of another",
        "Name one in the options, such as `encoder: imagebind`.",
    )


def _load_head(checkpoint: Path) -> ProjectionHead:
    if not (checkpoint / "projection_model" / "config.json").is_file() or "tokens" not in read_config(
        checkpoint, "projection_model"
    ):
        raise SettingError(
            f"imitation of a projection head, and {checkpoint.name} has none for sounds",
            "imitation 0 with a published prior",
            "Set `imitation: 0` in the options, or remove it.",
        )
    return load_component(checkpoint, "projection_model", ProjectionHead.from_config)
