"""Music without an artwork: the checkpoint conditioned only on what guidance steers away from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field

from ...pipelines.settings import at_once
from ...types import OnStep, Waveform
from ..records import Piece
from .sampling import Sampled, batches, prior_files
from .system import Workshop

__all__ = ["UnconditionalSystem"]


class UnconditionalSystem(Sampled):
    """`unconditional`: the checkpoint's constants in place of an artwork's conditioning, so that guidance has no effect.

    The constants of a published checkpoint are those of a negative prompt; unless it is empty, the music is conditioned on it.

    Attributes:
        support: name of the text constants.
    """

    route: ClassVar[str] = "sound"

    kind: Literal["unconditional"]
    guidance: float | None = Field(default=1.0, ge=1, le=1)
    support: str = "model"

    def describe(self, workshop: Workshop) -> dict[str, Any]:
        """The settings, with a digest of prior and constants."""
        pipeline = self.opened(workshop, offload=True)
        solver = pipeline.settings(**self.chosen).solver
        weights = workshop.digest(*prior_files(pipeline.parts.folder, self.support, solver=solver))
        negative = pipeline.parts.constants.negative
        texts = {} if negative is None else {"negative": negative}
        return {**self.computing(pipeline, workshop), **texts, "weights": weights}

    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:  # noqa: ARG002
        """Nothing; the seed is in every piece's key."""
        return {}

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:
        """The pieces, composed in batches."""
        pipeline = self.opened(workshop)
        settings = pipeline.settings(seconds=workshop.seconds, **self.chosen)
        for batch in batches(jobs, at_once(settings.seconds)):
            condition = pipeline.parts.constants.unconditional.repeated(len(batch))
            with torch.inference_mode():
                seeds = [job.seed for job in batch]
                pieces = pipeline.perform((condition, condition), settings, seeds, on_step=on_step)
            yield from pieces
