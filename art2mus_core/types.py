"""The data types of the library, in the order in which an artwork becomes music.

    Artwork -> Embedding -> PromptTokens -> LanguageOfAudio -> Latent -> Mel -> Waveform

Each is a frozen dataclass around one tensor. :class:`AudioGrid` holds every size that a checkpoint decides; no other
file contains such a number. :mod:`.interfaces` has those of interchangeable parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from .sizes import AudioGrid

__all__ = [
    "Artwork",
    "AudioGrid",
    "Condition",
    "Embedding",
    "Fused",
    "LanguageOfAudio",
    "Latent",
    "Mel",
    "OnStep",
    "Plan",
    "PromptTokens",
    "Step",
    "Waveform",
]


@dataclass(frozen=True)
class Artwork:
    """An upright picture, [3, H, W] in RGB8.

    `sha256` is the artwork's identity in all records: the hash of the height and the width (4 bytes each, little endian)
    and the upright RGB8 pixels, row by row. `notes` are sentences on how its file was read, for the user.
    """

    pixels: UInt8[Tensor, "3 height width"]
    name: str = "artwork"
    notes: tuple[str, ...] = ()

    @cached_property
    def sha256(self) -> str:
        height, width = self.pixels.shape[1:]
        rows = self.pixels.permute(1, 2, 0).contiguous().cpu().numpy().tobytes()
        return hashlib.sha256(height.to_bytes(4, "little") + width.to_bytes(4, "little") + rows).hexdigest()


@dataclass(frozen=True)
class Embedding:
    """Embeddings of artworks or sounds, [B, D], and of their patches, [B, N, P], if the encoder has them.

    `space` names the embedding space; an aligner accepts only the space that it was trained on. Those of sounds are `heard`.
    """

    values: Float[Tensor, "batch dim"]
    space: str
    patches: Float[Tensor, "batch patches patch_dim"] | None = None
    heard: bool = False


@dataclass(frozen=True)
class Fused:
    """Artworks and comments on them, each pair as one vector, [B, D]; `neutral` [1, D] is that of neither, if the fusion has learnt it."""

    values: Float[Tensor, "batch dim"]
    neutral: Float[Tensor, "1 dim"] | None = None


@dataclass(frozen=True)
class PromptTokens:
    """Tokens that prompt GPT-2, [B, n, W], a mask that is false for padding, and the aligner's `null` prompt if it has learnt one."""

    values: Float[Tensor, "batch tokens width"]
    mask: Bool[Tensor, "batch tokens"]
    null: Float[Tensor, "1 tokens width"] | None = None


@dataclass(frozen=True)
class LanguageOfAudio:
    """AudioLDM2's "language of audio": GPT-2's hidden states after the prompt, [B, 8, W]."""

    values: Float[Tensor, "batch language width"]


BANDS = 8
"""Most bands that a plan tells apart."""


@dataclass(frozen=True)
class Plan:
    """What a batch of latents is to become: where the beats fall, in which key, and who plays.

    Attributes:
        step: beats in a latent frame; 0 for music without metre.
        first: the latent's first frame, counted from the beginning of its piece.
        frames: latent frames of the whole piece.
        key: pitch class of the tonic, C first, and 12 more in minor; -1 for music without key.
        band: index among the bands of a plan model; -1 if not known.
    """

    step: Float[Tensor, " batch"]
    first: Float[Tensor, " batch"]
    frames: Float[Tensor, " batch"]
    key: Int[Tensor, " batch"]
    band: Int[Tensor, " batch"]

    def only(self, kept: Bool[Tensor, " batch"]) -> Plan:
        """The plan without metre, key and band for the pieces that are not kept."""
        key, band = (torch.where(kept, part, -1) for part in (self.key, self.band))
        return replace(self, step=self.step * kept, key=key, band=band)

    def mapped(self, change: Callable[[Tensor], Tensor]) -> Plan:
        """The plan with each tensor changed."""
        return Plan(*(change(part) for part in vars(self).values()))


@dataclass(frozen=True)
class Condition:
    """The denoiser's conditioning: the language of audio and, if the checkpoint uses them, T5 states with their mask, and the plan."""

    language: Float[Tensor, "batch language width"]
    text: Float[Tensor, "batch length text_width"] | None = None
    text_mask: Bool[Tensor, "batch length"] | None = None
    plan: Plan | None = None

    def to(self, like: Tensor) -> Condition:
        """The condition on the device of a tensor, with the language and the text in its precision."""

        def cast(part: Tensor) -> Tensor:
            return part.to(like.device) if part.dtype == torch.bool else part.to(like)

        return self._mapped(cast, self.plan and self.plan.mapped(lambda part: part.to(like.device)))

    def repeated(self, count: int) -> Condition:
        """The condition as a batch of `count`; language and text of fewer artworks each repeat, the first again after the last."""

        def repeat(part: Tensor) -> Tensor:
            return part[torch.arange(count, device=part.device) % len(part)]

        return self._mapped(repeat, self.plan and self.plan.mapped(repeat))

    def _mapped(self, change: Callable[[Tensor], Tensor], plan: Plan | None) -> Condition:
        text, mask = (None if part is None else change(part) for part in (self.text, self.text_mask))
        return Condition(change(self.language), text, mask, plan)


@dataclass(frozen=True)
class Latent:
    """A scaled VAE latent, [B, C, T / factor, bins / factor], time before frequency as in AudioLDM2.

    `plans` has what the denoiser was told of each piece, if it has a plan: `bpm`, `key` and `band`.
    """

    values: Float[Tensor, "batch channels frames rows"]
    plans: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Mel:
    """Log-magnitude spectrograms, [B * channels, T, bins], natural logarithm; the channels of a sound are adjacent.

    `plans` has what each piece's denoiser was told, as in a :class:`Latent`, if the mel itself was drawn.
    """

    values: Float[Tensor, "batch frames bins"]
    plans: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Waveform:
    """Samples [B, channels, N] in -1..1, at `sample_rate` hertz; of composed pieces also the `gain` in dB that levelled it, and the plan."""

    samples: Float[Tensor, "batch channels samples"]
    sample_rate: int
    gain: float | None = None
    plan: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return self.samples.shape[-1] / self.sample_rate

    def cut(self, seconds: float) -> Waveform:
        """The first `seconds`."""
        return replace(self, samples=self.samples[..., : round(seconds * self.sample_rate)])


@dataclass(frozen=True)
class Step:
    """One finished step of long work, passed to the caller's `on_step`; an exception raised there stops the work.

    `done` counts from 1 to `total` within a stage. During denoising, `latent` is the latent after the step and `clean` the
    denoiser's estimate of it without noise.
    """

    stage: str
    done: int
    total: int
    latent: Latent | None = None
    clean: Latent | None = None


OnStep = Callable[[Step], None]
