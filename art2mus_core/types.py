"""The nouns of the program, in the order in which a painting becomes music.

    Artwork -> Embedding -> PromptTokens -> LanguageOfAudio -> Latent -> Mel -> Waveform

Each is a frozen dataclass around one tensor. :class:`AudioGrid` holds every size that a checkpoint decides; no other
file writes such a number. The Protocols name the roles that variants fill.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol, runtime_checkable

from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

__all__ = [
    "Aligner",
    "Artwork",
    "AudioEncoder",
    "AudioGrid",
    "Condition",
    "Denoiser",
    "Embedding",
    "ImageEncoder",
    "LanguageOfAudio",
    "Latent",
    "Mel",
    "OnStep",
    "PromptTokens",
    "Step",
    "Vocoder",
    "Waveform",
]

Scale = Literal["slaney", "semitone"]


@dataclass(frozen=True)
class AudioGrid:
    """Every size between the embedding and the waveform, read from a checkpoint's configuration files.

    Attributes:
        sample_rate: samples a second.
        hop: samples between two mel frames.
        mel_bins: rows of the mel spectrogram.
        scale: `slaney` (AudioLDM2: one window, Slaney's mel scale) or `semitone` (one row a semitone).
        lowest: centre of the first row; hertz for `slaney`, MIDI note number for `semitone`.
        highest: upper edge (`slaney`, hertz); unused by `semitone`, whose rows are one semitone each.
        windows: FFT lengths, longest first; `slaney` has one, `semitone` one per frequency region.
        floor: amplitudes are clamped here before the natural logarithm.
        latent_channels: channels of the VAE's latent.
        latent_factor: mel frames (and bins) per latent frame (and row).
        latent_scale: what VAE samples are multiplied by before they are noised (`scaling_factor`).
        language_width: width W of GPT-2 and of the language of audio.
        language_tokens: length of the language of audio (8 everywhere so far).
        channels: of the sound, and of the spectrograms that the VAE takes.
    """

    sample_rate: int
    hop: int
    mel_bins: int
    scale: Scale
    lowest: float
    highest: float
    windows: tuple[int, ...]
    floor: float
    latent_channels: int
    latent_factor: int
    latent_scale: float
    language_width: int
    language_tokens: int = 8
    channels: int = 1

    @property
    def latent_rows(self) -> int:
        """Rows of a latent: mel bins over the VAE's factor."""
        return self.mel_bins // self.latent_factor

    @property
    def latent_rate(self) -> float:
        """Latent frames a second."""
        return self.sample_rate / self.hop / self.latent_factor

    def latent_frames(self, seconds: float) -> int:
        """Latent frames that cover `seconds`."""
        return math.ceil(round(seconds * self.latent_rate, 6))

    def latent_shape(self, seconds: float) -> tuple[int, int, int]:
        """(channels, frames, rows) of one latent that covers `seconds`."""
        return self.latent_channels, self.latent_frames(seconds), self.latent_rows

    def samples(self, seconds: float) -> int:
        """Samples in `seconds`."""
        return round(seconds * self.sample_rate)


@dataclass(frozen=True)
class Artwork:
    """An upright picture, [3, H, W] in RGB8.

    `sha256` is the artwork's identity wherever it is recorded: the hash of the height, the width (both as 4-byte little
    endian) and the upright RGB8 pixels row by row. `notes` are sentences on how its file had to be read, if there is
    anything to tell.
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
    """What an encoder says of an artwork or a sound: [B, D], and [B, N, P] per patch where the encoder gives them.

    `space` names the encoder; an aligner accepts the space it was trained on and no other.
    """

    values: Float[Tensor, "batch dim"]
    space: str
    patches: Float[Tensor, "batch patches patch_dim"] | None = None


@dataclass(frozen=True)
class PromptTokens:
    """Tokens that prompt GPT-2: [B, n, W] and a mask, true where a token counts."""

    values: Float[Tensor, "batch tokens width"]
    mask: Bool[Tensor, "batch tokens"]


@dataclass(frozen=True)
class LanguageOfAudio:
    """AudioLDM2's "language of audio": GPT-2's hidden states after the prompt, [B, 8, W]."""

    values: Float[Tensor, "batch language width"]


@dataclass(frozen=True)
class Condition:
    """All that the denoiser is told: the language of audio and, where the checkpoint has a T5 slot, text states."""

    language: Float[Tensor, "batch language width"]
    text: Float[Tensor, "batch length text_width"] | None = None
    text_mask: Bool[Tensor, "batch length"] | None = None


@dataclass(frozen=True)
class Latent:
    """A scaled VAE latent, [B, C, T / factor, bins / factor]: time before frequency, as AudioLDM2 has it."""

    values: Float[Tensor, "batch channels frames rows"]


@dataclass(frozen=True)
class Mel:
    """A log-magnitude spectrogram, [B, T, bins], natural logarithm; of sound in several channels, one after the other."""

    values: Float[Tensor, "batch frames bins"]


@dataclass(frozen=True)
class Waveform:
    """Sound, [B, channels, N] in -1..1, at `sample_rate` hertz."""

    samples: Float[Tensor, "batch channels samples"]
    sample_rate: int

    @property
    def seconds(self) -> float:
        return self.samples.shape[-1] / self.sample_rate

    def cut(self, seconds: float) -> Waveform:
        """The first `seconds` of it."""
        return replace(self, samples=self.samples[..., : round(seconds * self.sample_rate)])


@dataclass(frozen=True)
class Step:
    """One step of long work, told to the caller's `on_step` when it is done; raising there stops the work.

    `done` counts from 1 to `total` within a stage. While a piece is denoised, `latent` is what it is after the step, and
    `clean` what the denoiser took it to be without its noise.
    """

    stage: str
    done: int
    total: int
    latent: Latent | None = None
    clean: Latent | None = None


OnStep = Callable[[Step], None]


@runtime_checkable
class ImageEncoder(Protocol):
    """Artworks in, one embedding out."""

    space: str

    def encode(self, artworks: list[Artwork]) -> Embedding: ...


@runtime_checkable
class AudioEncoder(Protocol):
    """Sounds in, one embedding out, in the space of an image encoder."""

    space: str

    def encode(self, waveform: Waveform) -> Embedding: ...


@runtime_checkable
class Aligner(Protocol):
    """Embedding in, prompt tokens out."""

    space: str

    def align(self, embedding: Embedding) -> PromptTokens: ...


@runtime_checkable
class Denoiser(Protocol):
    """What the network outputs for the noisy latent `x` at the integer timestep `t`, or one an example, given a condition."""

    def __call__(
        self, x: Float[Tensor, "batch channels frames rows"], t: Int[Tensor, "*batch"], condition: Condition
    ) -> Float[Tensor, "batch channels frames rows"]: ...


@runtime_checkable
class Vocoder(Protocol):
    """Mel in, waveform out, `hop` samples a frame."""

    def vocode(self, mel: Mel) -> Waveform: ...
