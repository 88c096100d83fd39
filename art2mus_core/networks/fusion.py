"""Gated residual fusion (Art2Music 2025, arXiv 2512.00120): embeddings of a text and of an artwork to one vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .options import completed

__all__ = ["GatedFusion"]

DEFAULTS: dict[str, Any] = {"text_dim": 1024, "image_dim": 1024, "dim": 512, "neutral": False, "normalised": False}
"""The published sizes; `normalised` tells whoever embeds whether the embeddings have unit norm, which the published have not."""


class GatedFusion(nn.Module):
    """With text t and image v: o = W2 relu(W1 [t; v]), g = sigmoid(Wg o), and the result g o + (1 - g) Wr t.

    Args:
        config: the content of `fusion/config.json`.

    Attributes:
        neutral_text: [text_dim], the learned stand-in of a text that is missing, or None if the checkpoint has none.
        neutral_image: [image_dim], that of an artwork.
    """

    neutral_text: nn.Parameter | None
    neutral_image: nn.Parameter | None

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = completed(config, "gated fusion", defaults=DEFAULTS, fixed={"model_type": "gated_residual"})
        text, image, dim = (self.config[size] for size in ("text_dim", "image_dim", "dim"))
        self.linear = nn.Sequential(nn.Linear(text + image, dim), nn.ReLU(), nn.Linear(dim, dim))
        self.gate = nn.Sequential(nn.Linear(dim, dim), nn.Sigmoid())
        self.residual = nn.Linear(text, dim)
        neutral = self.config["neutral"]
        self.neutral_text = nn.Parameter(torch.zeros(text)) if neutral else None
        self.neutral_image = nn.Parameter(torch.zeros(image)) if neutral else None

    def forward(
        self, text: Float[Tensor, "batch text_dim"], image: Float[Tensor, "batch image_dim"]
    ) -> Float[Tensor, "batch dim"]:
        joint = self.linear(torch.cat([text, image], dim=-1))
        gate = self.gate(joint)
        return gate * joint + (1 - gate) * self.residual(text)
