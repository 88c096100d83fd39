"""Text to music: AudioLDM 2 as published (Liu et al. 2024), the second half of every artwork -> caption -> music system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch

from ..checkpoints.folder import read_config
from ..diffusion.guidance import join
from ..encoders.text import check_text_encoders
from ..types import Condition, OnStep, Waveform
from .latents import LatentToMusic
from .parts import Parts
from .prompts import Prompts
from .texts import encode_prompts

__all__ = ["TextToMusic"]

T5_WIDTH = 512
"""transformers' default width of T5."""


@dataclass(frozen=True)
class TextToMusic(LatentToMusic):
    """Composes one piece of music per text, equal to diffusers' `AudioLDM2Pipeline` with one text at a time."""

    @classmethod
    def _check(cls, parts: Parts) -> None:
        check_text_encoders(parts.folder)
        parts.check_texts({read_config(parts.folder, "text_encoder_2").get("d_model", T5_WIDTH)})

    def compose(
        self,
        texts: Sequence[str],
        *,
        seeds: Sequence[int] | None = None,
        negative: str = "",
        on_step: OnStep | None = None,
        **chosen: Any,  # noqa: ANN401
    ) -> list[Waveform]:
        """Music for texts, in one batch.

        A piece depends on its text, the negative prompt, its seed and the settings, but not on the rest of the batch (except for
        rounding in the last bits).

        Args:
            texts: one or more; each is cut to the limits of the text encoders.
            seeds: one per text; by default 0.
            negative: the negative prompt.
            on_step: called after every denoising step and every other stage.
            **chosen: a `preset`, and settings that differ from it, as for
                :meth:`~art2mus_core.pipelines.diffusion.ArtToMusic.compose`.

        Returns:
            One waveform [1, channels, N] per text, N = `AudioGrid.samples(seconds)`.

        Raises:
            SettingError: a value outside its range, no texts, or another number of seeds.
        """
        settings, seeds = self.settings(**chosen), self._seeds(seeds, len(texts), "text")
        with torch.inference_mode():
            conditions = self.condition(self.encode_texts(texts, negative, on_step=on_step), on_step=on_step)
            return self.perform(conditions, settings, seeds, on_step=on_step)

    def encode_texts(self, texts: Sequence[str], negative: str = "", *, on_step: OnStep | None = None) -> list[Prompts]:
        """Encode texts with the checkpoint's text encoders, which are loaded for this call; encode many texts at once.

        Raises:
            CheckpointError: an encoder is damaged.
        """
        networks: dict[str, Any] = {"dtype": self.parts.dtype, "resident": self.resident, "on_step": on_step}
        return encode_prompts(self.parts.folder, texts, negative=negative, **networks)

    def condition(self, prompts: Sequence[Prompts], *, on_step: OnStep | None = None) -> tuple[Condition, Condition]:
        """The denoiser's conditions (positive, negative) for encoded texts; shorter ones are padded."""
        length = self.parts.grid.language_tokens
        with self._using("language_model", on_step) as model, self.resident(model):
            conditions = [each.conditions(model, length) for each in prompts]
        positive, negative = (reduce(join, side) for side in zip(*conditions, strict=True))
        return positive, negative
