"""The diffusion route: ArtToMus (arXiv 2602.17599) on AudioLDM2's classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ..networks.gpt2 import GPT2
from ..types import Artwork, Condition, Embedding, OnStep, PromptTokens, Waveform
from .latents import LatentToMusic
from .parts import MUSIC, Parts
from .stages import Resident, condition
from .words import Said, Words

__all__ = ["ArtToMusic"]


@dataclass(frozen=True)
class ArtToMusic(LatentToMusic):
    """Artworks in, one piece of music each out."""

    NETWORKS: ClassVar[tuple[str, ...]] = ("encoder", *MUSIC)

    @classmethod
    def _check(cls, parts: Parts) -> None:
        parts.check_artworks()

    def compose(
        self,
        artworks: Sequence[Artwork],
        *,
        seconds: float | None = None,
        seeds: Sequence[int] | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        solver: str | None = None,
        said: Said | None = None,
        on_step: OnStep | None = None,
    ) -> list[Waveform]:
        """Music for artworks, all in one batch; what is not given is the checkpoint's default.

        A piece depends on its artwork, its seed and the settings, not on what else is in the batch (but for the last
        bits of floating-point sums).

        Args:
            artworks: one or more.
            seconds: length of every piece, 1 to 60.
            seeds: one an artwork, 0 each if none are given.
            steps: denoising steps.
            guidance: how far the music is pushed from music of no artwork.
            solver: name of the schedule.
            said: words to go with the artworks, from :meth:`read`.
            on_step: told after every denoising step, and after every other stage.

        Returns:
            One waveform [1, 1, N] an artwork, N = `AudioGrid.samples(seconds)`.

        Raises:
            SettingError: a value outside its range, no artworks, or not a seed for each.
        """
        settings = self.settings(seconds=seconds, steps=steps, guidance=guidance, solver=solver)
        drawn = self._drawn(seeds, len(artworks), "artwork")
        with torch.inference_mode():
            embedding = self.embed(artworks, on_step=on_step)
            told = self.condition(embedding, said, on_step=on_step)
            return self.perform(told, settings, drawn, on_step=on_step)

    def embed(self, artworks: Sequence[Artwork], *, on_step: OnStep | None = None) -> Embedding:
        """What the encoder says of artworks."""

        def work(encoder: Any, resident: Resident) -> Embedding:  # noqa: ANN401 - an ImageEncoder, and a module
            with resident(encoder):
                return encoder.encode(list(artworks))

        return self._work("encoder", work, on_step)

    def read(self, words: Words, *, on_step: OnStep | None = None) -> Said:
        """What the checkpoint's text encoders make of words; once for any number of artworks.

        Raises:
            SettingError: a text beside an encoder whose embedding is not as wide as T5's states.
            CheckpointError: the checkpoint has no text encoders, or they are damaged.
        """
        from .texts import read_words  # noqa: PLC0415 - text encoders, which artworks alone do without

        parts = self.parts
        with torch.inference_mode():
            return read_words(
                parts.folder,
                words,
                parts.constants,
                dim=parts.aligner.dim,
                dtype=parts.dtype,
                resident=self.resident,
                on_step=on_step,
            )

    def condition(
        self, embedding: Embedding, said: Said | None = None, *, on_step: OnStep | None = None
    ) -> tuple[Condition, Condition]:
        """What the denoiser is told of the artworks behind an embedding, and of none."""
        parts = self.parts

        def align(aligner: Any, resident: Resident) -> PromptTokens:  # noqa: ANN401
            with resident(aligner):
                return aligner.align(embedding)

        prompt = self._work("aligner", align, on_step)

        def work(model: GPT2, resident: Resident) -> tuple[Condition, Condition]:
            told = model, prompt, parts.constants, parts.grid
            return condition(*told, resident=resident, embedding=embedding, said=said)

        return self._work("language_model", work, on_step)

    def score(self, embedding: Embedding, pieces: Sequence[Waveform], *, on_step: OnStep | None = None) -> list[float]:
        """How much each piece sounds like one artwork: cosines in the encoder's space."""

        def work(listener: Any, resident: Resident) -> list[float]:  # noqa: ANN401
            with resident(listener):
                heard = torch.cat([listener.encode(piece).values for piece in pieces])
            return torch.cosine_similarity(heard.float(), embedding.values.to(heard.device).float()).tolist()

        return self._work("listener", work, on_step)
