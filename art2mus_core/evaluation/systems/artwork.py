"""Music directly from the artwork, without text. Art2Mus 2024 is this system with its own parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from ...aligners.files import find_aligner
from ..fields import CheckpointName
from .sampling import SampledFromArtworks, encoder_files, prior_files
from .system import Workshop

__all__ = ["ArtworkSystem"]


class ArtworkSystem(SampledFromArtworks):
    """The kind `artwork`: composes from the image embedding.

    Attributes:
        aligner: as for :func:`~art2mus_core.pipelines.load`.
        support: name of the text constants.
    """

    kind: Literal["artwork"]
    aligner: CheckpointName = "model"
    support: str = "model"

    def describe(self, workshop: Workshop) -> dict[str, Any]:
        """The settings, with a digest of prior, constants, aligner and image encoder."""
        pipeline = self.opened(workshop, offload=True)
        parts = pipeline.parts
        solver = pipeline.settings(**self.chosen).solver
        weights = [
            *prior_files(parts.folder, self.support, solver=solver),
            find_aligner(parts.folder, self.aligner),
            encoder_files(parts),
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
