"""An artwork straight into music, without words: what is to be shown. Art2Mus 2024 is this with its own parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from ...aligners.files import find_aligner
from ...images.reading import read_artwork
from ...pipelines import load
from ...pipelines.diffusion import ArtToMusic
from ...pipelines.settings import at_once
from ...types import OnStep, Waveform
from ..fields import CheckpointName
from ..records import Piece
from .sampling import Sampled, batches, prior_files
from .system import Workshop

__all__ = ["ArtworkSystem"]


class ArtworkSystem(Sampled):
    """`artwork`.

    Attributes:
        aligner: as for :func:`~art2mus_core.pipelines.load`.
        encoder: a checkpoint with an image encoder.
        support: text constants.
    """

    kind: Literal["artwork"]
    aligner: CheckpointName = "model"
    encoder: CheckpointName | None = None
    support: str = "model"

    def describe(self, workshop: Workshop) -> dict[str, Any]:
        """With the digest of prior, constants, aligner and image encoder."""
        pipeline = self._opened(workshop, frugal=True)
        parts = pipeline.parts
        own = parts.encoder_folder / "image_encoder"
        weights = [
            *prior_files(parts.folder, self.support),
            find_aligner(parts.folder, self.aligner),
            own if own.is_dir() else parts.encoder_folder,
        ]
        words = {"support": parts.constants.support, "negative": parts.constants.negative}
        return {
            "kind": self.kind,
            **self.computing(pipeline, workshop),
            "image_encoder": parts.aligner.space,
            "aligner": Path(self.aligner).name,
            **{name: text for name, text in words.items() if text is not None},
            "weights": workshop.digest(*weights),
        }

    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:  # noqa: ARG002
        """The picture."""
        return {"artwork_sha256": job.subject.sha256}

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:
        """Batch by batch."""
        pipeline = self._opened(workshop)
        for batch in batches(jobs, at_once(workshop.seconds)):
            artworks = [read_artwork(job.subject.picture) for job in batch]
            seeds = [job.seed for job in batch]
            yield from pipeline.compose(artworks, seconds=workshop.seconds, seeds=seeds, on_step=on_step, **self.chosen)

    def _opened(self, workshop: Workshop, *, frugal: bool = False) -> ArtToMusic:
        return load(
            self.model,
            aligner=self.aligner,
            encoder=self.encoder,
            support=self.support,
            heads=self.heads,
            dtype=workshop.precision(self.precision),
            resident=workshop.resident,
            frugal=frugal,
        )
