"""Several pieces for one artwork, ranked by an audio encoder, as Art2Mus (2024) ranked three by ImageBind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ..diffusion.guidance import repeated
from ..encoders.files import has_audio_encoder
from ..types import Artwork, OnStep, Waveform
from .diffusion import ArtToMusic
from .settings import at_once, check_candidates
from .words import Said

__all__ = ["Candidate", "compose_candidates"]


@dataclass(frozen=True)
class Candidate:
    """One of several pieces for an artwork.

    Attributes:
        piece: the music.
        seed: composes it again.
        score: cosine of its embedding with the artwork's, -1 to 1; None where nobody listened.
    """

    piece: Waveform
    seed: int
    score: float | None = None


def compose_candidates(
    pipeline: ArtToMusic,
    artwork: Artwork,
    count: int,
    *,
    seed: int = 0,
    said: Said | None = None,
    on_step: OnStep | None = None,
    **chosen: Any,  # noqa: ANN401  seconds, steps, guidance, solver
) -> list[Candidate]:
    """Several pieces for one artwork, the one that sounds most like it first.

    They are heard by the audio encoder of the image encoder's space; without one they stay in the order of their seeds.

    Args:
        pipeline: composes them.
        artwork: what they are for.
        count: how many, 1 to 64; their seeds are `seed`, `seed + 1` and so on.
        seed: of the first.
        said: words to go with the artwork.
        on_step: told after every denoising step, and after every other stage.
        **chosen: settings, as in :meth:`ArtToMusic.compose`.

    Raises:
        SettingError: a value outside its range.
    """
    check_candidates(count, seed)
    settings, seeds = pipeline.settings(**chosen), range(seed, seed + count)
    pieces: list[Waveform] = []
    with torch.inference_mode():
        embedding = pipeline.embed([artwork], on_step=on_step)
        positive, negative = pipeline.condition(embedding, said, on_step=on_step)
        size = at_once(settings.seconds)
        for start in range(0, count, size):
            batch = seeds[start : start + size]
            told = repeated(positive, len(batch)), repeated(negative, len(batch))
            pieces += pipeline.perform(told, settings, batch, on_step=on_step)
        if not has_audio_encoder(pipeline.parts.encoder_folder):
            return [Candidate(piece, own) for piece, own in zip(pieces, seeds, strict=True)]
        scores = pipeline.score(embedding, pieces, on_step=on_step)
    ranked = sorted(zip(scores, seeds, pieces, strict=True), key=lambda each: (-each[0], each[1]))
    return [Candidate(piece, own, score) for score, own, piece in ranked]
