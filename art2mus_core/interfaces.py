"""The interfaces of interchangeable parts, as Protocols between the data types of :mod:`.types`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

from .types import Artwork, Condition, Embedding, Mel, PromptTokens, Waveform

__all__ = ["Aligner", "AudioEncoder", "Captioner", "Denoiser", "ImageEncoder", "TextEncoder", "Vocoder"]


@runtime_checkable
class ImageEncoder(Protocol):
    """Embeds artworks."""

    space: str

    def encode(self, artworks: list[Artwork]) -> Embedding: ...


@runtime_checkable
class AudioEncoder(Protocol):
    """Embeds sounds in the space of an image encoder."""

    space: str

    def encode(self, waveform: Waveform) -> Embedding: ...


@runtime_checkable
class TextEncoder(Protocol):
    """Embeds texts in `dim` numbers each."""

    space: str

    @property
    def dim(self) -> int: ...

    def encode(self, texts: list[str]) -> Embedding: ...


@runtime_checkable
class Captioner(Protocol):
    """Describes works in words, either artworks or waveforms."""

    @property
    def network(self) -> Any: ...  # noqa: ANN401  the caller moves it between devices; None if it is on another machine

    def describe(self, works: Sequence[Any]) -> list[str]: ...


@runtime_checkable
class Aligner(Protocol):
    """Maps an embedding to prompt tokens."""

    space: str

    def align(self, embedding: Embedding) -> PromptTokens: ...


@runtime_checkable
class Denoiser(Protocol):
    """Predicts noise or velocity for noisy latents `x` at the integer timestep `t`, one for all or one per latent."""

    def __call__(
        self, x: Float[Tensor, "batch channels frames rows"], t: Int[Tensor, "*batch"], condition: Condition
    ) -> Float[Tensor, "batch channels frames rows"]: ...


@runtime_checkable
class Vocoder(Protocol):
    """Converts a mel spectrogram to a waveform, `hop` samples per frame."""

    def vocode(self, mel: Mel) -> Waveform: ...
