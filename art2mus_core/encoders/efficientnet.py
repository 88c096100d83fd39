"""The bundled image encoder: a frozen EfficientNet-Lite, the musical character that it sees, and a trained head.

The backbone has learnt from a million photographs what is in a picture. Its pooled features and the picture's measured statistics give
the :class:`~art2mus_core.character.Character`; the head maps that to the joint space of pictures and sounds.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..character import CHARACTERS, TONICS, Character, character
from ..errors import CheckpointError
from ..images.reading import as_square
from ..measure.pictures import measure
from ..networks.efficientnet import EfficientNetLite, pooled
from ..types import Artwork, Embedding
from .squares import check_size

__all__ = ["KIND", "STRIDE", "TRAITS", "EfficientNetEncoder", "affect_inputs", "traits"]

TRAITS = len(CHARACTERS) + len(TONICS)
"""Width of a character as the head's input."""

KIND = "efficientnet-lite"
"""Its `model_type`."""

AFFECT = ("arousal", "valence")
EXTREME = 1e-3
"""Levels of the prior are kept this far from 0 and 1, whose normal scores are infinite."""

STRIDE = 32
"""Pixels from one position of the last map to the next: the least side of the square, below which that map would be one pixel."""


class EfficientNetEncoder(nn.Module):
    """Artworks to embeddings [B, dim] of unit norm, and the last map's positions as patches [B, N, channels].

    Args:
        width: factor of the backbone's channels; see :class:`~art2mus_core.networks.efficientnet.EfficientNetLite`.
        depth: factor of its blocks.
        channels: channels of its last map.
        size: side in pixels of the square that artworks are scaled to, whatever their aspect ratio.
        hidden: width of the head's two hidden layers.
        dim: width of the embedding.
        space: name of the joint space.
    """

    def __init__(
        self, *, width: float, depth: float, channels: int, size: int, hidden: int, dim: int, space: str
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "model_type": KIND,
            "width": width,
            "depth": depth,
            "channels": channels,
            "size": size,
            "hidden": hidden,
            "dim": dim,
            "space": space,
        }
        self.space = space
        self.backbone = EfficientNetLite(width, depth, channels).requires_grad_(requires_grad=False)
        self.affect = nn.Linear(2 * sum(self.backbone.channels) + len(AFFECT), len(AFFECT)).requires_grad_(
            requires_grad=False
        )
        self.head = nn.Sequential(
            *(nn.Linear(TRAITS, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, dim))
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> EfficientNetEncoder:
        check_size(config["size"], STRIDE)
        return cls(**{name: value for name, value in config.items() if name != "model_type"})

    def forward(self, seen: Float[Tensor, "batch traits"]) -> Float[Tensor, "batch dim"]:
        """Characters as :func:`traits` to embeddings."""
        return F.normalize(self.head(seen), dim=-1)

    def encode(self, artworks: list[Artwork]) -> Embedding:
        """One embedding per artwork, on the device of the weights.

        Raises:
            CheckpointError: the weights are too large to compute with.
        """
        characters, patches = self._look(artworks)
        values = self(traits(characters).to(patches))
        _check_finite(values, patches)
        return Embedding(values, self.space, patches)

    def characters(self, artworks: list[Artwork]) -> list[Character]:
        """The musical character of each artwork."""
        return self._look(artworks)[0]

    def look(self, artworks: list[Artwork]) -> list[Float[Tensor, "batch _c _h _w"]]:
        """The backbone's maps."""
        squares = torch.stack([as_square(artwork, self.config["size"]) for artwork in artworks])
        return self.backbone((squares.to(self.affect.weight) * 255 - 127) / 128)

    def _look(self, artworks: list[Artwork]) -> tuple[list[Character], Float[Tensor, "batch patches channels"]]:
        statistics, maps = [measure(artwork) for artwork in artworks], self.look(artworks)
        prior = affect_inputs([character(each) for each in statistics]).to(self.affect.weight)
        levels = torch.special.ndtr(self.affect(torch.cat([pooled(maps), prior], dim=-1)).cpu().double()).tolist()
        _check_finite(torch.tensor(levels))
        found = [
            character(each, arousal=arousal, valence=valence)
            for each, (arousal, valence) in zip(statistics, levels, strict=True)
        ]
        return found, maps[-1].flatten(2).transpose(1, 2)


def _check_finite(*found: Float[Tensor, "*_sizes"]) -> None:
    if not all(bool(each.isfinite().all()) for each in found):
        raise CheckpointError(
            "an image encoder that computes NaN or infinite values for an artwork",
            "weights of moderate size",
            "Install or download the checkpoint again, or fit and train it again.",
        )


def affect_inputs(prior: list[Character]) -> Float[Tensor, "batch 2"]:
    """Arousal and valence of the prior as normal scores."""
    levels = torch.tensor([[getattr(each, name) for name in AFFECT] for each in prior], dtype=torch.float64)
    return torch.special.ndtri(levels.clamp(EXTREME, 1 - EXTREME)).float()


def traits(characters: list[Character]) -> Float[Tensor, "batch traits"]:
    """Characters as inputs of the head: six values in -1..1, and the tonic's place in `TONICS` as 0 or 1."""
    rows = [
        [2 * value - 1 for value in each.values()] + [float(each.tonic == tonic) for tonic in TONICS]
        for each in characters
    ]
    return torch.tensor(rows)
