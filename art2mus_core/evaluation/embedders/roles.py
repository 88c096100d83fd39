"""The interfaces of evaluation models: embedders of sounds, artworks and texts, and classifiers of sounds."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64

from ...types import Artwork, Waveform

__all__ = ["ArtworkEmbedder", "Classifier", "Embedder", "TextEmbedder"]


@runtime_checkable
class Embedder(Protocol):
    """Embeds sounds, window by window.

    Attributes:
        name: the name it was opened by, such as `clap-music`.
        space: name and digest of its weights; embeddings of one space are comparable, and are cached under it.
        least: seconds of the shortest sound that it can embed.
    """

    name: str
    space: str
    least: float

    def embed_sound(self, waveform: Waveform) -> Float64[np.ndarray, "windows dim"]:
        """One embedding for each window, at least one; of unit norm if the space is compared by cosines.

        Raises:
            AudioError: several sounds, samples that are not finite, or a sound that is too short.
        """


@runtime_checkable
class ArtworkEmbedder(Embedder, Protocol):
    """Embeds sounds and artworks in one space."""

    def embed_artworks(self, artworks: list[Artwork]) -> Float64[np.ndarray, "artworks dim"]:
        """One embedding of unit norm for each artwork."""


@runtime_checkable
class TextEmbedder(Embedder, Protocol):
    """Embeds sounds and texts in one space."""

    def embed_texts(self, texts: list[str]) -> Float64[np.ndarray, "texts dim"]:
        """One embedding of unit norm for each text.

        Raises:
            EvaluationError: no texts.
        """


@runtime_checkable
class Classifier(Protocol):
    """Computes class probabilities of sounds.

    Attributes:
        name: the name it was opened by.
        space: as for an :class:`Embedder`.
        labels: names of the classes.
    """

    name: str
    space: str
    labels: tuple[str, ...]

    def classify(self, waveform: Waveform) -> Float64[np.ndarray, " classes"]:
        """Class probabilities, which sum to one.

        Raises:
            AudioError: as for :meth:`Embedder.embed_sound`.
        """
