"""What evaluation asks of a network that listens: rows of numbers for sounds, artworks and texts."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64

from ...types import Artwork, Waveform

__all__ = ["ArtworkEmbedder", "Classifier", "Embedder", "TextEmbedder"]


@runtime_checkable
class Embedder(Protocol):
    """Sounds in, one row a window out.

    Attributes:
        name: as it was asked for, such as `clap-music`.
        space: name and digest of what computes it; rows of one space can be compared, and are cached under it.
        least: seconds of the shortest sound that it hears.
    """

    name: str
    space: str
    least: float

    def embed_sound(self, waveform: Waveform) -> Float64[np.ndarray, "windows dim"]:
        """One row a window, at least one; of unit norm where the space is one of cosines.

        Raises:
            AudioError: several sounds, samples that are not finite, or a sound too short to be heard.
        """


@runtime_checkable
class ArtworkEmbedder(Embedder, Protocol):
    """One space for sounds and artworks."""

    def embed_artworks(self, artworks: list[Artwork]) -> Float64[np.ndarray, "artworks dim"]:
        """One row of unit norm an artwork."""


@runtime_checkable
class TextEmbedder(Embedder, Protocol):
    """One space for sounds and texts."""

    def embed_texts(self, texts: list[str]) -> Float64[np.ndarray, "texts dim"]:
        """One row of unit norm a text.

        Raises:
            EvaluationError: no texts.
        """


@runtime_checkable
class Classifier(Protocol):
    """Sounds in, probabilities of classes out.

    Attributes:
        name: as it was asked for.
        space: as an :class:`Embedder`'s.
        labels: names of the classes.
    """

    name: str
    space: str
    labels: tuple[str, ...]

    def classify(self, waveform: Waveform) -> Float64[np.ndarray, " classes"]:
        """A distribution over the classes; it adds up to one.

        Raises:
            AudioError: as :meth:`Embedder.embed_sound`.
        """
