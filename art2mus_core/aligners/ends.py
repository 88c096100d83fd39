"""The two ends that all aligners share: the embedding that goes in and the prompt that comes out."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import CheckpointError
from ..types import Embedding, PromptTokens

__all__ = ["accept", "prompt"]


def accept(embedding: Embedding, *, space: str, dim: int | None, patch_dim: int | None = None) -> None:
    """Refuse an embedding that an aligner was not made for.

    Args:
        embedding: [B, D], and [B, N, P] where it has patches.
        space: that the aligner was trained on.
        dim: width D that it reads; None if it reads the patches alone.
        patch_dim: width P that it reads; None if it reads no patches.

    Raises:
        CheckpointError: another space, no patches, or another width.
    """
    if embedding.space != space:
        raise CheckpointError(
            f"an embedding of the space {embedding.space!r}",
            f"{space!r}, which this aligner was trained on",
            "Choose the encoder and the aligner of one model.",
        )
    if patch_dim is not None and embedding.patches is None:
        raise CheckpointError(
            f"an embedding of the space {space!r} without its patches",
            f"one vector of {patch_dim} for every patch of the artwork, which this aligner reads",
            "Take the embedding from an encoder that gives patches, or an aligner that reads none.",
        )
    for what, wanted, values in (("", dim, embedding.values), ("patches of ", patch_dim, embedding.patches)):
        if wanted is not None and values is not None and values.shape[-1] != wanted:
            raise CheckpointError(
                f"an embedding with {what}{values.shape[-1]} values",
                f"{wanted}, which this aligner was trained on",
                "Choose the encoder and the aligner of one model.",
            )


def prompt(values: Float[Tensor, "batch tokens width"]) -> PromptTokens:
    """Tokens that all count."""
    return PromptTokens(values, torch.ones(values.shape[:2], dtype=torch.bool, device=values.device))
