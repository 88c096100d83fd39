"""Music of no artwork: how the model sounds when it is told what guidance steers away from, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import torch
from pydantic import Field

from ...diffusion.guidance import repeated
from ...pipelines import load
from ...pipelines.latents import LatentToMusic
from ...pipelines.settings import at_once
from ...types import Condition, OnStep, Waveform
from ..records import Piece
from .sampling import Sampled, batches, prior_files
from .system import Workshop

__all__ = ["UnconditionalSystem"]


class UnconditionalSystem(Sampled):
    """`unconditional`: the checkpoint's constants stand where an artwork would, so that guidance has nothing to do.

    Of a published checkpoint these constants are a negative prompt; unless that is empty, the music is not told nothing.

    Attributes:
        support: text constants.
    """

    kind: Literal["unconditional"]
    guidance: float | None = Field(default=1.0, ge=1, le=1)
    support: str = "model"

    def describe(self, workshop: Workshop) -> dict[str, Any]:
        """With the digest of prior and constants."""
        pipeline = self._opened(workshop, frugal=True)
        weights = workshop.digest(*prior_files(pipeline.parts.folder, self.support))
        told = pipeline.parts.constants.negative
        words = {} if told is None else {"negative": told}
        return {"kind": self.kind, **self.computing(pipeline, workshop), **words, "weights": weights}

    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:  # noqa: ARG002
        """Nothing but the seed."""
        return {}

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:
        """Batch by batch."""
        pipeline = self._opened(workshop)
        settings, stored = pipeline.settings(seconds=workshop.seconds, **self.chosen), pipeline.parts.constants
        nothing = Condition(stored.unconditional_language, stored.unconditional_text, stored.unconditional_text_mask)
        for batch in batches(jobs, at_once(settings.seconds)):
            told = repeated(nothing, len(batch))
            with torch.inference_mode():
                pieces = pipeline.perform((told, told), settings, [job.seed for job in batch], on_step=on_step)
            yield from pieces

    def _opened(self, workshop: Workshop, *, frugal: bool = False) -> LatentToMusic:
        return load(
            self.model,
            route="sound",
            support=self.support,
            heads=self.heads,
            dtype=workshop.precision(self.precision),
            resident=workshop.resident,
            frugal=frugal,
        )
