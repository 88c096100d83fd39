"""Music directly from the artwork, without text. Art2Mus 2024 is this system with its own parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from ...aligners.files import find_aligner
from ...images.reading import read_artwork
from ...pipelines.settings import at_once
from ...types import OnStep, Waveform
from ..fields import CheckpointName
from ..records import Piece
from .sampling import Sampled, batches, prior_files
from .system import Workshop

__all__ = ["ArtworkSystem"]


class ArtworkSystem(Sampled):
    """The kind `artwork`: composes from the image embedding.

    Attributes:
        aligner: as for :func:`~art2mus_core.pipelines.load`.
        encoder: a checkpoint with an image encoder.
        support: name of the text constants.
        shared_noise: noise of the take's seed alone, the same for all artworks.
    """

    route: ClassVar[str] = "artwork"

    kind: Literal["artwork"]
    aligner: CheckpointName = "model"
    encoder: CheckpointName | None = None
    support: str = "model"
    shared_noise: bool = False

    def tagged_seed(self, job: Piece) -> int:
        """The take's seed: composing mixes in the artwork."""
        return job.take_seed

    def describe(self, workshop: Workshop) -> dict[str, Any]:
        """The settings, with a digest of prior, constants, aligner and image encoder."""
        pipeline = self.opened(workshop, offload=True)
        parts = pipeline.parts
        own = parts.encoder_folder / "image_encoder"
        weights = [
            *prior_files(parts.folder, self.support),
            find_aligner(parts.folder, self.aligner),
            own if own.is_dir() else parts.encoder_folder,
        ]
        texts = {"support": parts.constants.support, "negative": parts.constants.negative}
        return {
            **self.computing(pipeline, workshop),
            "shared_noise": self.shared_noise,
            "image_encoder": parts.aligner.space,
            "aligner": Path(self.aligner).name,
            **{name: text for name, text in texts.items() if text is not None},
            "weights": workshop.digest(*weights),
        }

    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:  # noqa: ARG002
        """The picture."""
        return {"artwork_sha256": job.subject.sha256}

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:
        """The pieces, composed in batches."""
        pipeline = self.opened(workshop)
        for batch in batches(jobs, at_once(workshop.seconds)):
            artworks = [read_artwork(job.subject.picture) for job in batch]
            seeds = [self.tagged_seed(job) for job in batch]
            yield from pipeline.compose(artworks, seconds=workshop.seconds, seeds=seeds, on_step=on_step, **self.chosen)
