"""Text alone: AudioLDM 2 as it was published (Liu et al. 2024), the second half of every artwork -> caption -> music system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import torch

from ..checkpoints.folder import read_config
from ..diffusion.guidance import join
from ..encoders.text import check_text_encoders
from ..networks.gpt2 import GPT2
from ..types import Condition, OnStep, Waveform
from .latents import LatentToMusic
from .parts import Parts
from .stages import Resident
from .texts import read_prompts
from .words import Prompts

__all__ = ["TextToMusic"]

T5_WIDTH = 512
"""What transformers takes a T5 to be whose configuration says no width."""


@dataclass(frozen=True)
class TextToMusic(LatentToMusic):
    """Texts in, one piece of music each out, as of diffusers' `AudioLDM2Pipeline` for one text at a time."""

    @classmethod
    def _check(cls, parts: Parts) -> None:
        check_text_encoders(parts.folder)
        parts.check_texts({read_config(parts.folder, "text_encoder_2").get("d_model", T5_WIDTH)})

    def compose(
        self,
        texts: Sequence[str],
        *,
        seconds: float | None = None,
        seeds: Sequence[int] | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        solver: str | None = None,
        negative: str = "",
        on_step: OnStep | None = None,
    ) -> list[Waveform]:
        """Music for texts, all in one batch; what is not given is the checkpoint's default.

        A piece depends on its text, the negative prompt, its seed and the settings, not on what else is in the batch (but
        for the last bits of floating-point sums).

        Args:
            texts: one or more; what the text encoders have no room for is cut off.
            seconds: length of every piece, 1 to 60.
            seeds: one a text, 0 each if none are given.
            steps: denoising steps.
            guidance: how far the music is pushed from the negative prompt's.
            solver: name of the schedule.
            negative: what the music is pushed away from.
            on_step: told after every denoising step, and after every other stage.

        Returns:
            One waveform [1, 1, N] a text, N = `AudioGrid.samples(seconds)`.

        Raises:
            SettingError: a value outside its range, no texts, or not a seed for each.
        """
        settings = self.settings(seconds=seconds, steps=steps, guidance=guidance, solver=solver)
        drawn = self._drawn(seeds, len(texts), "text")
        with torch.inference_mode():
            told = self.condition(self.read(texts, negative, on_step=on_step), on_step=on_step)
            return self.perform(told, settings, drawn, on_step=on_step)

    def read(self, texts: Sequence[str], negative: str = "", *, on_step: OnStep | None = None) -> list[Prompts]:
        """What the checkpoint's text encoders make of texts. They are opened and forgotten: read many at once.

        Raises:
            CheckpointError: an encoder is damaged.
        """
        parts = self.parts
        return read_prompts(
            parts.folder, texts, negative=negative, dtype=parts.dtype, resident=self.resident, on_step=on_step
        )

    def condition(self, prompts: Sequence[Prompts], *, on_step: OnStep | None = None) -> tuple[Condition, Condition]:
        """What the denoiser is told of texts, and instead of them: (positive, negative), shorter ones filled up."""
        length = self.parts.grid.language_tokens

        def work(model: GPT2, resident: Resident) -> list[tuple[Condition, Condition]]:
            with resident(model):
                return [each.conditions(model, length) for each in prompts]

        told = self._work("language_model", work, on_step)
        positive, negative = (reduce(join, side) for side in zip(*told, strict=True))
        return positive, negative
