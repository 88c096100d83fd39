"""Input and output of all aligners: a checked embedding, and a prompt."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import CheckpointError
from ..types import Embedding, PromptTokens

__all__ = ["accept", "prompt"]


def accept(embedding: Embedding, *, space: str, dim: int | None, patch_dim: int | None = None) -> None:
    """Check that an embedding matches an aligner.

    Args:
        embedding: [B, D], and [B, N, P] if it has patches.
        space: the space that the aligner was trained on.
        dim: its width D; None if it uses only patches.
        patch_dim: its width P; None if it uses no patches.

    Raises:
        CheckpointError: another space or width, or no patches.
    """
    if embedding.space != space:
        raise CheckpointError(
            f"an embedding of the space {embedding.space!r}",
            f"{space!r}, which this aligner was trained on",
            "Choose the encoder and the aligner of one model.",
        )
    if patch_dim is not None and embedding.patches is None:
        raise CheckpointError(
            f"an embedding of the space {space!r} without patches",
            f"a vector of {patch_dim} for every patch of the artwork, which this aligner uses",
            "Use an encoder with patches, or an aligner without.",
        )
    for what, wanted, values in (("", dim, embedding.values), ("patches of ", patch_dim, embedding.patches)):
        if wanted is not None and values is not None and values.shape[-1] != wanted:
            raise CheckpointError(
                f"an embedding with {what}{values.shape[-1]} values",
                f"{wanted}, which this aligner was trained on",
                "Choose the encoder and the aligner of one model.",
            )


def prompt(
    values: Float[Tensor, "batch tokens width"], null: Float[Tensor, "tokens width"] | None = None
) -> PromptTokens:
    """Prompt tokens, none of them masked, with the null prompt of their aligner if it has one."""
    mask = torch.ones(values.shape[:2], dtype=torch.bool, device=values.device)
    return PromptTokens(values, mask, None if null is None else null[None])
