"""What the routes from artworks share: the embedding of a picture, and how well music fits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from ..character import Character
from ..encoders.files import CharacterEncoder
from ..types import Artwork, Embedding, OnStep, Waveform
from .opening import Route

__all__ = ["FromArtworks"]

MOST_REMEMBERED = 8
"""Batches of artworks whose embeddings are kept: what somebody goes back and forth between."""


class FromArtworks(Route):
    """A route whose parts have an image encoder, and an audio encoder if its checkpoint has one."""

    @property
    def drawn(self) -> bool:
        """Whether another seed makes another piece."""
        return True

    def embed(self, artworks: Sequence[Artwork], *, on_step: OnStep | None = None) -> Embedding:
        """The image embeddings of artworks; one that is given several times is encoded once, and the latest are remembered."""
        once = list({id(artwork): artwork for artwork in artworks}.values())
        found = self._remembered(once, on_step)
        if len(once) == len(artworks):
            return found
        rows = [next(row for row, each in enumerate(once) if each is artwork) for artwork in artworks]
        patches = None if found.patches is None else found.patches[rows]
        return replace(found, values=found.values[rows], patches=patches)

    def _remembered(self, artworks: list[Artwork], on_step: OnStep | None) -> Embedding:
        """The embeddings of these artworks together, so that another seed or balance does not encode them again."""
        known, key = self.parts.embeddings, tuple(artwork.sha256 for artwork in artworks)
        if key not in known:
            with self._using("encoder", on_step) as encoder, self.resident(encoder):
                known[key] = encoder.encode(artworks)
            for oldest in list(known)[:-MOST_REMEMBERED]:
                del known[oldest]
        return known[key]

    def character(self, artwork: Artwork, *, on_step: OnStep | None = None) -> Character | None:
        """The musical character that the image encoder sees in an artwork; None if it sees none."""
        with self._using("encoder", on_step) as encoder, self.resident(encoder):
            return encoder.characters([artwork])[0] if isinstance(encoder, CharacterEncoder) else None

    def score(self, embedding: Embedding, pieces: Sequence[Waveform], *, on_step: OnStep | None = None) -> list[float]:
        """The cosine similarity of each piece's audio embedding and the image embedding of one artwork."""
        with self._using("audio_encoder", on_step) as encoder, self.resident(encoder):
            values = torch.cat([encoder.encode(piece).values for piece in pieces])
        return torch.cosine_similarity(values.float(), embedding.values.to(values.device).float()).tolist()
