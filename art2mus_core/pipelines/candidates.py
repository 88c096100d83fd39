"""Several pieces for one artwork, ranked by an audio encoder, as Art2Mus (2024) ranked three by ImageBind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ..encoders.files import has_audio_encoder
from ..errors import SettingError
from ..types import Artwork, OnStep, Waveform
from .diffusion import ArtToMusic
from .prompts import EncodedText
from .routes import ArtworkPipeline
from .settings import at_once, check_candidates

__all__ = ["Candidate", "compose_candidates"]


@dataclass(frozen=True)
class Candidate:
    """One of several pieces for an artwork.

    Attributes:
        piece: the music.
        seed: seed of the piece.
        score: cosine similarity of its embedding and the artwork's, -1 to 1; None without an audio encoder.
    """

    piece: Waveform
    seed: int
    score: float | None = None


def compose_candidates(
    pipeline: ArtworkPipeline,
    artwork: Artwork,
    count: int,
    *,
    seed: int = 0,
    text: EncodedText | None = None,
    on_step: OnStep | None = None,
    **chosen: Any,  # noqa: ANN401  the settings
) -> list[Candidate]:
    """Several pieces for one artwork, in decreasing order of their score.

    The score needs an audio encoder in the space of the image encoder; without one the pieces are in the order of their seeds.

    Args:
        pipeline: composes the pieces.
        artwork: the artwork.
        count: number of pieces, 1 to 64, with the seeds `seed`, `seed + 1` and so on.
        seed: seed of the first piece.
        text: encoded text prompts.
        on_step: called after every denoising step and every other stage.
        **chosen: settings, as in :meth:`ArtToMusic.compose`.

    Raises:
        SettingError: a value outside its range.
    """
    check_candidates(count, seed)
    if not isinstance(pipeline, ArtToMusic):
        raise SettingError(f"{count} candidates from a checkpoint without a denoiser", "one", "Compose one piece.")
    settings, seeds = pipeline.settings(**chosen), range(seed, seed + count)
    noise = settings.noise_seeds(seeds, [artwork.sha256] * count)
    pieces: list[Waveform] = []
    with torch.inference_mode():
        embedding = pipeline.embed([artwork], on_step=on_step)
        conditions = pipeline.condition(embedding, text, on_step=on_step)
        size = at_once(settings.seconds)
        for start in range(0, count, size):
            batch = noise[start : start + size]
            positive, negative = (side.repeated(len(batch)) for side in conditions)
            pieces += pipeline.perform((positive, negative), settings, batch, on_step=on_step)
        if not has_audio_encoder(pipeline.parts.encoder_folder):
            return [Candidate(piece, own) for piece, own in zip(pieces, seeds, strict=True)]
        scores = pipeline.score(embedding, pieces, on_step=on_step)
    ranked = sorted(zip(scores, seeds, pieces, strict=True), key=lambda each: (-each[0], each[1]))
    return [Candidate(piece, own, score) for score, own, piece in ranked]
