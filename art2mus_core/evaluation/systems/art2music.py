"""Music from the artwork and what viewers said about it, through a mel. Art2Music 2025 is this system with its own parts."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from ...errors import EvaluationError
from ...images.reading import read_artwork
from ...pipelines.comments import AS_TRAINED, tidied
from ...pipelines.settings import at_once
from ...types import OnStep, Waveform
from ..fields import CheckpointName, LocalPath
from ..pairing import Ids
from ..records import Piece
from .sampling import Sampled, batches
from .system import Workshop

__all__ = ["Art2MusicSystem"]

PARTS = ("fusion", "mel_decoder", "codec_decoder", "plan_model", "vocoder", "text_encoder", "image_encoder")


class Art2MusicSystem(Sampled):
    """The kind `art2music`: composes from the artwork and its comments, of the file or else of the dataset; pictures alone without any.

    Attributes:
        model: a checkpoint that reads comments.
        encoder: a checkpoint with the image encoder, in place of the model's.
        balance: between picture (0) and words (1).
        comments: a CSV with the columns `id`, of the artwork, and `comment`; an artwork may have several rows.
        shared_noise: noise of the take's seed alone, where the mel is drawn.
    """

    route: ClassVar[str] = "artwork"

    kind: Literal["art2music"]
    model: CheckpointName = "art2music"
    encoder: CheckpointName | None = None
    balance: float = Field(default=AS_TRAINED, ge=0, le=1)
    comments: LocalPath | None = None
    shared_noise: bool = False

    def tagged_seed(self, job: Piece) -> int:
        """The take's seed: composing mixes in the artwork."""
        return job.take_seed

    def describe(self, workshop: Workshop) -> dict[str, Any]:
        """The settings, with a digest of all parts."""
        pipeline = self.opened(workshop, offload=True)
        parts = pipeline.parts
        weights = [path for name in PARTS if (path := parts.folder / name).is_dir()]
        other = parts.encoder_folder
        own = [] if other == parts.folder else [each if (each := other / "image_encoder").is_dir() else other]
        return {
            **self.computing(pipeline, workshop),
            "shared_noise": self.shared_noise,
            "balance": self.balance,
            "image_encoder": parts.spaces["image"],
            "text_encoder": parts.spaces["text"],
            "weights": workshop.digest(*weights, *own),
        }

    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:  # noqa: ARG002
        """The picture and the comments."""
        said = self._said(job)
        return {"artwork_sha256": job.subject.sha256, **({"comment": "\n".join(said)} if said else {})}

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:
        """The pieces, composed in batches."""
        pipeline = self.opened(workshop)
        for batch in batches(jobs, at_once(workshop.seconds)):
            artworks = [read_artwork(job.subject.picture) for job in batch]
            told: dict[str, Any] = {"comments": [self._said(job) for job in batch], "balance": self.balance}
            seeds = [self.tagged_seed(job) for job in batch]
            chosen = {"seconds": workshop.seconds, **self.chosen}
            yield from pipeline.compose(artworks, **told, seeds=seeds, on_step=on_step, **chosen)

    def _said(self, job: Piece) -> tuple[str, ...]:
        """The comments on an artwork: of the file if there is one, else of the dataset."""
        if self.comments is None:
            return tidied(job.subject.comments)
        name = Ids(self._listed).find(job.subject.id)
        return tidied(self._listed[name]) if name else ()

    @cached_property
    def _listed(self) -> dict[str, list[str]]:
        """The comments of the file by artwork."""
        path = self.comments or Path()
        found: dict[str, list[str]] = {}
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                for row in csv.DictReader(file):
                    found.setdefault(row["id"], []).append(row["comment"] or "")
        except (OSError, ValueError, KeyError, csv.Error) as error:
            raise EvaluationError(
                f"{path} cannot be read as comments ({type(error).__name__}: {error})",
                "a CSV in UTF-8 with the columns id and comment",
                "Correct the file or the path.",
            ) from error
        return found
