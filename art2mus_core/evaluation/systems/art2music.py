"""Music from the artwork and what viewers said about it, through a mel. Art2Music 2025 is this system with its own parts."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ...errors import EvaluationError
from ...pipelines.comments import AS_TRAINED, tidied
from ..fields import CheckpointName, LocalPath
from ..pairing import Ids
from ..records import Piece
from .sampling import SampledFromArtworks, encoder_files
from .system import Workshop

__all__ = ["Art2MusicSystem"]

PARTS = ("fusion", "mel_decoder", "codec_decoder", "plan_model", "vocoder", "text_encoder")


class Art2MusicSystem(SampledFromArtworks):
    """The kind `art2music`: composes from the artwork and its comments, of the file or else of the dataset; pictures alone without any.

    Attributes:
        model: a checkpoint that reads comments.
        balance: between picture (0) and words (1).
        comments: a CSV with the columns `id`, of the artwork, and `comment`; an artwork may have several rows.
    """

    kind: Literal["art2music"]
    model: CheckpointName = "art2music"
    balance: float = Field(default=AS_TRAINED, ge=0, le=1)
    comments: LocalPath | None = None

    def describe(self, workshop: Workshop) -> dict[str, Any]:
        """The settings, with a digest of all parts."""
        pipeline = self.opened(workshop, offload=True)
        parts = pipeline.parts
        weights = [path for name in PARTS if (path := parts.folder / name).is_dir()]
        return {
            **self.computing(pipeline, workshop),
            "shared_noise": self.shared_noise,
            "balance": self.balance,
            "image_encoder": parts.spaces["image"],
            "text_encoder": parts.spaces["text"],
            "weights": workshop.digest(*weights, encoder_files(parts)),
        }

    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:
        """The picture and the comments."""
        said = self._said(job)
        return {**super().source(job, workshop), **({"comment": "\n".join(said)} if said else {})}

    def beside(self, jobs: Sequence[Piece]) -> dict[str, Any]:
        """The comments on each artwork, and the balance."""
        return {"comments": [self._said(job) for job in jobs], "balance": self.balance}

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
