"""Music in chunks while it is vocoded: each sample depends on the whole mel alone, so that the joins are not heard.

The loudness of a whole piece is not known when its first chunk leaves. Its gain is that of :mod:`.levelling` for the loudness that the
mel promises, which may be a few decibels off, and peaks bend below -1 dBFS sample by sample, where the whole piece is limited with
foresight. So a streamed piece is not the composed one: its order of loudness among others is nearly kept, and its mean is not removed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..audio.level import CEILING, FADE
from ..errors import AudioError
from ..measure.sound.mel_loudness import mel_loudness
from ..types import AudioGrid, Mel, Waveform
from .levelling import levelled_loudness

__all__ = ["promised_gain", "streamed"]

KNEE = CEILING / 2
"""Amplitude above which peaks bend."""


def promised_gain(mel: Mel, grid: AudioGrid) -> float:
    """Decibels that level a piece of this mel, [1, T, bins], by its estimated loudness."""
    before = mel_loudness(mel.values[0].double().cpu().numpy(), grid)
    return levelled_loudness(before) - before


def streamed(
    vocoder: Any,  # noqa: ANN401
    mel: Mel,
    grid: AudioGrid,
    seconds: float,
    *,
    chunk_frames: int,
    levelled: bool = True,
) -> Iterator[Waveform]:
    """Chunks [1, 1, N] of one piece on the CPU, of `chunk_frames` mel frames each; the last ends after `seconds`.

    Args:
        vocoder: has a method `stream`.
        mel: [1, T, bins] of the whole piece.
        grid: its sizes.
        seconds: length of the piece.
        chunk_frames: mel frames in a chunk.
        levelled: apply the gain that the mel promises.

    Raises:
        AudioError: samples that are NaN or infinite.
    """
    gain = promised_gain(mel, grid) if levelled else 0.0
    chunks, start, length = vocoder.stream(mel, chunk_frames), 0, grid.samples(seconds)
    plan = mel.plans[0] if mel.plans else {}
    while start < length:
        with torch.inference_mode():  # not while the caller has the chunk
            chunk = next(chunks)
            samples = chunk.samples[..., : length - start].float().cpu()
            if not torch.isfinite(samples).all():
                raise AudioError("music with NaN or infinite samples", "finite samples", "Compose in float32.")
            bent = _bent(samples * 10 ** (gain / 20)) * _faded(start, samples, grid, length)
        start += samples.shape[-1]
        yield replace(chunk, samples=bent, gain=round(gain, 2) if levelled else None, plan=plan)


def _bent(samples: Float[Tensor, "*any samples"]) -> Float[Tensor, "*any samples"]:
    """Samples as they are up to the knee, and above it on a curve that never reaches the ceiling."""
    room = CEILING - KNEE
    over = (samples.abs() - KNEE).clamp(min=0)
    return samples.clamp(-KNEE, KNEE) + samples.sign() * room * torch.tanh(over / room)


def _faded(start: int, samples: Tensor, grid: AudioGrid, length: int) -> Float[Tensor, " samples"]:
    """The fades of a whole piece of `length` samples at those of a chunk, as :func:`~art2mus_core.audio.level.settle` has them."""
    fade = max(1, min(round(FADE * grid.sample_rate), length // 2))
    at = torch.arange(start, start + samples.shape[-1], dtype=samples.dtype)
    near = torch.minimum(at, length - 1 - at).clamp(max=fade)
    return 0.5 - 0.5 * torch.cos(math.pi * near / fade)
