"""Train the image aligner with the diffusion loss of the prior; all other parts are frozen.

As when composing, the aligner maps an image embedding to prompt tokens for GPT-2, whose language of audio conditions the
denoiser, together with the checkpoint's text constants if it has them. The loss is the error of denoising the latent of the
artwork's music, always with the condition of the artwork, not with both sides of guidance. Any image encoder and any prior can be used.

Three options change this. `alignment` adds a term that compares languages of audio, see :mod:`.alignment`. `drop` prompts a share of the
examples with a learnt null prompt, which then is the negative side of guidance. `source: audio` needs no pairs: the aligner is
trained on embeddings of the music itself, by an encoder that has sounds and pictures in one space, and used with pictures;
`gap` closes the gap between both, see :mod:`.gap`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from ...aligners.files import save_aligner
from ...aligners.gap import GapClosure
from ...aligners.head import ProjectionHead
from ...aligners.kinds import kind_of, sizes_of
from ...checkpoints.folder import config_file
from ...checkpoints.identity import component_digests
from ...checkpoints.lora import denoiser_fingerprint, save_lora
from ...checkpoints.names import lora_beside
from ...conditioning.constants import constants_file, prompted
from ...conditioning.language import fingerprint, roll_out
from ...conditioning.plan import misreadings
from ...diffusion.levels import read_levels
from ...digests import file_digest
from ...encoders.files import image_component
from ...types import Condition, Embedding, Plan
from ..adapters import lora_of
from ..batches import AlignerBatch, Draw, LatentBatch
from ..config import TrainingConfig
from ..features.dataset import Dataset
from ..features.latents import Embeddings, embed_artworks, embed_sounds
from ..features.preparing import prepare
from .aligner_options import AlignerOptions, sizes_found, untrained
from .alignment import ALIGNMENTS, AlignmentFields
from .diffusion import DiffusionObjective
from .dropping import mixed
from .gap import CLOSURES
from .heads import PublishedHead, hear_for, load_head
from .sources import blurred
from .start import checked_start
from .weighting import WEIGHTINGS, by_bands

__all__ = ["AlignerObjective", "AlignerOptions"]

PARTS = ("audio_encoder", "language_model", "plan_model", "projection_model", "text_encoder", "unet", "vae")
"""Components of a checkpoint that the training may read, beside the image encoder."""


class AlignerObjective(DiffusionObjective):
    """The aligner, with the frozen parts through which its loss is computed."""

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        options, parts, features = checked_start(data, config, checkpoint)
        head = load_head(checkpoint, parts.constants) if options.alignment else None
        bands = parts.plan_model.config["bands"] if parts.plan_model else []
        lora, encoder = lora_of(parts.unet, options.lora, config.seed), features.encoder
        aligner = untrained(config, options, encoder, checkpoint, data.grid.language_width)
        super().__init__(data, config, checkpoint, device, crop=options.crop, bands=bands, window=features.window)
        self.options, self.encoder = options, encoder
        self.sides = ("artworks", "music") if features.artworks else ("music",)
        self.compares = head is not None
        self.sampled, self.views, self.features = options.sampled, features.views, features
        self.constants, self.levels = parts.constants, read_levels(parts.schedule)
        self.artworks: Embeddings | None = None
        self.sounds: Embeddings | None = None
        self.aligner = aligner
        self.trained = nn.ModuleDict({"aligner": self.aligner, **lora})
        if options.lora and options.lora.learning_rate:
            self.rates = {"lora": options.lora.learning_rate}
        self.language_model, self.unet, self.head = parts.language_model, parts.unet, head
        self.unet.checkpointing = config.checkpointing
        self.plan_model = parts.plan_model
        for frozen in (self.language_model, self.unet, *([self.plan_model] if self.plan_model else [])):
            frozen.requires_grad_(requires_grad=False)
        self.trained.requires_grad_()

    def prepare(self) -> None:
        data, asked, device = self.data, self.features, self.device
        prepare(data, asked, device)
        super().prepare()
        if asked.artworks:
            self.artworks = embed_artworks(data, self.encoder, device, patches=asked.patches, views=self.views)
        self.embeddings = self.artworks or embed_sounds(data, self.encoder, device)
        if self.options.source == "audio":
            self.embeddings = embed_sounds(data, self.encoder, device)
        if self.artworks is not None and self.options.gap != "none":
            self.aligner.gap = self._closure(self.artworks)
        if self.head is not None:
            self.sounds = hear_for(self.head, data, self.checkpoint, device)

    def parts(self) -> dict[str, dict[str, str]]:
        folder, constants = self.checkpoint, constants_file(self.checkpoint, self.options.support)
        heard = ["audio_encoder"] if self.options.source == "audio" else []
        files = {"constants": constants, "scheduler": config_file(folder, "scheduler")}
        return {
            "checkpoint": {
                **component_digests(folder, PARTS),
                **{name: file_digest(path) for name, path in files.items() if path.is_file()},
            },
            "encoder": component_digests(self.encoder, [image_component(self.encoder), *heard]),
        }

    def settled(self, model: dict[str, Any]) -> dict[str, Any]:
        found = sizes_found(self.encoder, self.data.grid.language_width)
        return {"kind": kind_of(model).kind, **sizes_of(model, found)}

    def _closure(self, artworks: Embeddings) -> GapClosure:
        """The closed gap between artworks and sounds to train on; those of the control are no pairs for a calibration either."""
        if self.data.unpaired:
            return CLOSURES[self.options.gap](
                *(torch.from_numpy(each.everything) for each in (artworks, self.embeddings))
            )
        rows = self.train_rows
        if self.options.gap == "calibrated":
            rows = np.random.default_rng(self.config.seed).permutation(rows)[: self.options.calibration]
        heard = self.embeddings.of(np.roll(rows, 1) if self.options.shuffled else rows)
        return CLOSURES[self.options.gap](artworks.of(rows).values, heard.values)

    def train(self, mode: bool = True) -> AlignerObjective:  # noqa: FBT001, FBT002 - torch's signature
        """Set the mode of the aligner; frozen parts stay in evaluation mode, without dropout."""
        super().train(mode)
        self.language_model.eval()
        self.unet.eval()
        return self

    def batch(self, draw: Draw) -> AlignerBatch:
        rows = draw.rows(self.train_rows, "diffusion")
        noised = self.noised(draw, rows, self._partners(draw, rows))
        picture = sound = composed = dropped = None
        if self.sounds and self.options.alignment:
            more = draw.of(self.options.alignment.pairs, "alignment.pairs")
            pairs = more.rows(self.train_rows, "alignment")
            picture = blurred(
                more, self._marked(self.viewed(more, self._partners(more, pairs))), self.options.gap_noise
            )
            sound = self.sounds.of(pairs[more.part])
            composed = self.plans(pairs[more.part], first=np.zeros(len(picture.values)))
        noised = replace(noised, embedding=blurred(draw, noised.embedding, self.options.gap_noise))
        if self.options.drop:
            dropped = torch.from_numpy(draw.shares()[draw.part] < self.options.drop)
            noised = replace(noised, plan=noised.plan and noised.plan.only(~dropped))
        return AlignerBatch(**vars(noised), picture=picture, sound=sound, composed=composed, dropped=dropped)

    def _partners(self, draw: Draw, rows: np.ndarray) -> np.ndarray:
        """The pairs whose artworks are combined with the music of `rows`; other draws are the same in the control."""
        shift = int(draw.rng.integers(1, max(2, len(rows))))
        return np.roll(rows, shift) if self.options.shuffled else rows

    def noised(
        self, draw: Draw, rows: np.ndarray, partners: np.ndarray | None = None, *, beginning: bool = False
    ) -> LatentBatch:
        batch = super().noised(draw, rows, partners, beginning=beginning)
        return replace(batch, embedding=self._marked(batch.embedding))

    def _marked(self, embedding: Embedding) -> Embedding:
        """The embedding, which says whether it is of sounds."""
        return replace(embedding, heard=self.embeddings is not self.artworks)

    def _sides(self, embedding: Embedding) -> tuple[Condition, Condition]:
        """The conditions (positive, negative), as when composing."""
        prompt = self.aligner.align(embedding)
        return prompted(self.language_model, prompt, self.constants, self.data.grid.language_tokens)

    def condition(self, embedding: Embedding) -> Condition:
        return self._sides(embedding)[0]

    def told(self, batch: LatentBatch) -> Condition:
        """The condition of a batch: without the artwork for the examples that are dropped."""
        if not isinstance(batch, AlignerBatch) or batch.dropped is None:
            return super().told(batch)
        return mixed(*self._sides(batch.embedding), batch.dropped)

    def forward(self, batch: AlignerBatch) -> tuple[Tensor, dict[str, Tensor]]:
        losses = self.losses(batch)
        weights = WEIGHTINGS[self.options.weighting](self.levels, batch.t, self.options.gamma)
        loss, bands = (weights * losses).mean(), by_bands(losses, batch.t, len(self.levels))
        if batch.picture is None or batch.sound is None or batch.composed is None or self.options.alignment is None:
            return loss, bands
        alignment = self._alignment(self.options.alignment, batch.picture, batch.sound, batch.composed)
        whole = loss + self.options.alignment.weight * alignment
        return whole, {"diffusion": loss, "alignment": alignment, **bands}

    def _alignment(self, fields: AlignmentFields, picture: Embedding, sound: Embedding, composed: Plan) -> Tensor:
        """The alignment term, and the errors of reading the music's plan from the artwork's language, if the prior has one."""
        with torch.no_grad():
            prompt = cast("ProjectionHead | PublishedHead", self.head).align(sound)
            wanted = roll_out(self.language_model, prompt, self.data.grid.language_tokens).values.float()
        found = self.condition(picture).language
        error = ALIGNMENTS[fields.kind](found.float().flatten(1), wanted.flatten(1), fields.temperature)
        if self.plan_model is None:
            return error
        return error + sum(misreadings(self.plan_model, found, composed, self.data.grid.latent_rate).values())

    def validate(self) -> dict[str, float]:
        """The mean loss of validation pairs, with the embeddings of training and, if they are others, with those of the artworks."""
        results, heard = super().validate(), self.embeddings
        if self.artworks is not None and self.artworks is not heard and not self.data.unpaired:
            self.embeddings = self.artworks
            try:
                results["loss from artworks"] = super().validate()["loss"]
            finally:
                self.embeddings = heard
        return results

    def export(self, folder: Path) -> None:
        """Write the aligner, with the encoder and the prior of its training in the header, and the LoRA beside it."""
        path, header = folder / "aligner" / f"{self.options.name}.safetensors", self.header()
        origin = {name: header[name] for name in ("licence", "run", "encoder", "prior", "language")}
        save_aligner(path, self.aligner, half=True, **origin)
        if "lora" in header:
            save_lora(lora_beside(path), self.trained["lora"].state_dict(), **header["lora"])

    def header(self) -> dict[str, Any]:
        """What the headers of the aligner's file and, in the entry `lora`, of the LoRA's say."""
        shared = {"run": self.options.run, "licence": self.options.licence, "prior": self.checkpoint.resolve().name}
        header = {
            **{name: getattr(self.aligner, name) for name in ("kind", "space", "tokens", "width")},
            **shared,
            "encoder": None if self.encoder == self.checkpoint else self.encoder.resolve().name,
            "language": fingerprint(self.checkpoint),
        }
        if self.options.lora:
            header["lora"] = {
                **shared,
                "alpha": self.options.lora.alpha,
                "denoiser": denoiser_fingerprint(self.checkpoint),
            }
        return header
