"""Artwork to music by latent diffusion: ArtToMus (arXiv 2602.17599) on AudioLDM2's networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from ..checkpoints.student import student_file
from ..diffusion.schedules import STUDENT
from ..digests import file_digest
from ..types import Artwork, Condition, Embedding, OnStep, Waveform
from .artworks import FromArtworks
from .latents import LatentToMusic
from .parts import MUSIC, Parts
from .prompts import EncodedText, PromptText
from .settings import Settings
from .stages import condition

__all__ = ["ArtToMusic"]


@dataclass(frozen=True)
class ArtToMusic(FromArtworks, LatentToMusic):
    """Composes one piece of music per artwork."""

    NETWORKS: ClassVar[tuple[str, ...]] = ("encoder", *MUSIC)

    @classmethod
    def _check(cls, parts: Parts) -> None:
        parts.check_artworks()

    def compose(
        self,
        artworks: Sequence[Artwork],
        *,
        seeds: Sequence[int] | None = None,
        text: EncodedText | None = None,
        on_step: OnStep | None = None,
        **chosen: Any,  # noqa: ANN401
    ) -> list[Waveform]:
        """Music for artworks, in one batch.

        A piece depends on its artwork, its seed and the settings, but not on the rest of the batch (except for rounding in the
        last bits).

        Args:
            artworks: one or more.
            seeds: one per artwork; by default 0.
            text: encoded text prompts, from :meth:`encode_text`.
            on_step: called after every denoising step and every other stage.
            **chosen: a `preset`, and settings that differ from it: seconds (1 to 120), steps, guidance (scale of
                classifier-free guidance), solver, guided_below, shared_noise (noise of the seed alone), level (raise soft pieces), reprise
                (how much bars and phrases return); see :class:`~art2mus_core.pipelines.settings.Settings`.

        Returns:
            One waveform [1, channels, N] per artwork, N = `AudioGrid.samples(seconds)`.

        Raises:
            SettingError: a value outside its range, no artworks, or another number of seeds.
        """
        settings, seeds = self.settings(**chosen), self._seeds(seeds, len(artworks), "artwork")
        with torch.inference_mode():
            embedding = self.embed(artworks, on_step=on_step)
            conditions = self.condition(embedding, text, on_step=on_step)
            noise = settings.noise_seeds(seeds, [artwork.sha256 for artwork in artworks])
            return self.perform(conditions, settings, noise, on_step=on_step)

    def tags(self, settings: Settings, text: PromptText) -> dict[str, str]:
        """The tags that all pieces of a run share; those that apply to few checkpoints only if they were chosen."""
        choice, constants, encoder = self.parts.choice, self.parts.constants, self.parts.encoder_folder
        rare = {
            "encoder_model": encoder.name if encoder != self.parts.folder else None,
            "heads": choice.heads if choice.heads != "config" else None,
            "support": constants.support if text.text is None else None,
            "text": text.text,
            "negative": constants.negative if text.negative is None else text.negative,
            **(choice.lora.tags() if choice.lora else {}),
            "student_sha256": file_digest(student_file(self.parts.folder)) if settings.solver == STUDENT else None,
        }
        return {
            "model": Path(choice.checkpoint).name,
            "image_encoder": self.parts.aligner.space,
            "aligner": Path(choice.aligner).name,
            **{name: str(value) for name, value in vars(settings).items()},
            "precision": str(choice.dtype).removeprefix("torch."),
            **{name: value for name, value in rare.items() if value},
        }

    def encode_text(self, text: PromptText, *, on_step: OnStep | None = None) -> EncodedText:
        """Encode text prompts with the checkpoint's text encoders; once for any number of artworks.

        Raises:
            SettingError: with a text, an image encoder whose embedding has another width than T5's states.
            CheckpointError: the checkpoint has no text encoders, or they are damaged.
        """
        from .texts import encode_text  # noqa: PLC0415 - imports the text encoders

        parts = self.parts
        networks: dict[str, Any] = {"dtype": parts.dtype, "resident": self.resident, "on_step": on_step}
        with torch.inference_mode():
            return encode_text(parts.folder, text, parts.constants, dim=parts.aligner.dim, **networks)

    def condition(
        self, embedding: Embedding, text: EncodedText | None = None, *, on_step: OnStep | None = None
    ) -> tuple[Condition, Condition]:
        """The denoiser's conditions (positive, negative) for embedded artworks."""
        with self._using("aligner", on_step) as aligner, self.resident(aligner):
            prompt = aligner.align(embedding)
        with self._using("language_model", on_step) as language_model:
            inputs = language_model, prompt, self.parts.constants, self.parts.grid
            return condition(*inputs, resident=self.resident, embedding=embedding, text=text)
