"""The caption baseline of the papers: artwork -> caption -> AudioLDM 2 with its own text conditioning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

import torch

from ...errors import EvaluationError
from ...pipelines.settings import at_once
from ...types import OnStep, Waveform
from ..fields import CheckpointName
from ..records import Piece
from .sampling import Sampled, batches, prior_files
from .system import Workshop

__all__ = ["TextSystem"]

TEXTS = ("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "projection_model")


class TextSystem(Sampled):
    """The kind `text`: composes from captions.

    Attributes:
        model: a checkpoint with text encoders.
        negative: negative prompt.
        template: the text prompt, with `{caption}` in place of the caption.
    """

    route: ClassVar[str] = "text"

    kind: Literal["text"]
    model: CheckpointName = "audioldm2"
    negative: str = ""
    template: str = "{caption}"

    def describe(self, workshop: Workshop) -> dict[str, Any]:
        """The settings, with a digest of prior, text encoders and projection model."""
        pipeline = self.opened(workshop, offload=True)
        folder, solver = pipeline.parts.folder, pipeline.settings(**self.chosen).solver
        return {
            **self.computing(pipeline, workshop),
            "negative": self.negative,
            "weights": workshop.digest(*prior_files(folder, solver=solver), *(folder / name for name in TEXTS)),
        }

    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:  # noqa: ARG002
        """The text prompt."""
        caption = job.subject.caption
        if caption is None:
            raise EvaluationError(
                f"no caption for {job.subject.id}", "one for every artwork", "Add it to the captions file."
            )
        return {"text": self.template.replace("{caption}", caption)}

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:
        """The pieces, composed in batches. All texts are encoded before other networks are loaded, because text encoders need more memory."""
        texts = [self.source(job, workshop)["text"] for job in jobs]
        with torch.inference_mode():
            prompts = self.opened(workshop, offload=True).encode_texts(texts, self.negative, on_step=on_step)
        pipeline = self.opened(workshop)
        settings = pipeline.settings(seconds=workshop.seconds, **self.chosen)
        for batch in batches(list(zip(jobs, prompts, strict=True)), at_once(settings.seconds)):
            with torch.inference_mode():
                both = pipeline.condition([prompt for _, prompt in batch], on_step=on_step)
                pieces = pipeline.perform(both, settings, [job.seed for job, _ in batch], on_step=on_step)
            yield from pieces
