"""Several pieces for one artwork, ranked.

Art2Mus (2024) ranked three by ImageBind. The bundled model composes from the embedding that its own audio encoder judges by, so that score
alone would be circular; its candidates are also measured, without any network, and compared with the artwork's character.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..encoders.files import has_audio_encoder
from ..errors import SettingError
from ..measure.sound.music import measure
from ..types import Artwork, OnStep, Waveform
from .agreement import agreement
from .artworks import FromArtworks
from .routes import ArtworkPipeline
from .settings import check_candidates

__all__ = ["Candidate", "compose_candidates"]


@dataclass(frozen=True)
class Candidate:
    """One of several pieces for an artwork.

    Attributes:
        piece: the music.
        seed: seed of the piece.
        score: cosine similarity of its embedding and the artwork's, -1 to 1; None without an audio encoder.
        agreement: of its measured sound with the artwork's character, 0 to 1; None if the image encoder sees no characters.
    """

    piece: Waveform
    seed: int
    score: float | None = None
    agreement: float | None = None

    @property
    def scores(self) -> dict[str, float]:
        """Score and agreement, as far as they exist."""
        return {name: value for name in ("score", "agreement") if (value := getattr(self, name)) is not None}

    @property
    def rank(self) -> float:
        """The mean of both; 0 without either."""
        return sum(self.scores.values()) / max(1, len(self.scores))


def compose_candidates(
    pipeline: ArtworkPipeline,
    artwork: Artwork,
    count: int,
    *,
    seed: int = 0,
    batch: int = 1,
    comments: Sequence[Sequence[str]] | None = None,
    on_step: OnStep | None = None,
    **asked: Any,  # noqa: ANN401
) -> list[Candidate]:
    """Several pieces for one artwork, in decreasing order of the mean of score and agreement, as far as they exist.

    The score needs an audio encoder in the space of the image encoder, the agreement an image encoder that sees characters; without
    either the pieces are in the order of their seeds.

    Args:
        pipeline: composes the pieces.
        artwork: the artwork.
        count: number of pieces, 1 to 64, with the seeds `seed`, `seed + 1` and so on.
        seed: seed of the first piece.
        batch: pieces that are composed at once. More may be faster on a GPU, and then may differ from a piece that is composed alone.
        comments: one list, of those on the artwork, for a route that reads comments. Candidates are ranked by the picture alone.
        on_step: called after every denoising step and every other stage.
        **asked: the other arguments of the pipeline's `compose`.

    Raises:
        SettingError: a value outside its range, or a pipeline that has nothing to choose from.
    """
    check_candidates(count, seed)
    if not isinstance(pipeline, FromArtworks) or not pipeline.drawn:
        raise SettingError(f"{count} candidates from a model that draws nothing", "one", "Compose one piece.")
    seeds, pieces = range(seed, seed + count), []
    for start in range(0, count, batch):
        some = seeds[start : start + batch]
        told: dict[str, Any] = {} if comments is None else {"comments": [*comments] * len(some)}
        pieces += pipeline.compose([artwork] * len(some), seeds=some, on_step=on_step, **told, **asked)
    with torch.inference_mode():
        embedding = pipeline.embed([artwork], on_step=on_step)
        scored = has_audio_encoder(pipeline.parts.encoder_folder)
        scores = pipeline.score(embedding, pieces, on_step=on_step) if scored else [None] * count
        intended = pipeline.character(artwork, on_step=on_step)
    agreements = [None if intended is None else agreement(intended, measure(piece)) for piece in pieces]
    found = [Candidate(*each) for each in zip(pieces, seeds, scores, agreements, strict=True)]
    return sorted(found, key=lambda each: (-each.rank, each.seed))
