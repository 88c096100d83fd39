"""The Image Aligner of ArtToMus (arXiv 2602.17599): an artwork's embedding becomes several prompt tokens."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import CheckpointError
from ..types import Embedding, PromptTokens

__all__ = ["VisualAligner"]


class VisualAligner(nn.Module):
    """LayerNorm, one hidden layer with GELU, and n tokens side by side.

    The paper draws the aligner before GPT-2 and several image tokens after it, and gives neither layers nor sizes. This
    reading takes the smallest network that is not linear, as its predecessor of 2024 did (two linear layers with a tanh
    between them), and normalises its input, because encoders disagree on the length of their embeddings.

    Args:
        dim: width D of the embedding.
        hidden: width of the hidden layer.
        tokens: tokens n.
        width: width W of the language model.
        space: name of the embedding space it is trained on.
    """

    kind = "visual"

    def __init__(self, *, dim: int, hidden: int, tokens: int, width: int, space: str) -> None:
        super().__init__()
        self.space, self.tokens, self.width = space, tokens, width
        self.norm = nn.LayerNorm(dim)
        self.hidden = nn.Linear(dim, hidden)
        self.prompt = nn.Linear(hidden, tokens * width)

    @classmethod
    def for_state(cls, state: dict[str, Tensor], *, tokens: int, width: int, space: str) -> VisualAligner:
        """An aligner of the sizes of a stored state."""
        hidden, dim = state["hidden.weight"].shape
        return cls(dim=dim, hidden=hidden, tokens=tokens, width=width, space=space)

    def forward(self, embedding: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch tokens width"]:
        hidden = nn.functional.gelu(self.hidden(self.norm(embedding)))
        return self.prompt(hidden).unflatten(-1, (self.tokens, self.width))

    def align(self, embedding: Embedding) -> PromptTokens:
        """[B, D] to [B, n, W], every token counting.

        Raises:
            CheckpointError: the embedding is of another space.
        """
        if embedding.space != self.space:
            raise CheckpointError(
                f"an embedding of the space {embedding.space!r}",
                f"{self.space!r}, which this aligner was trained on",
                "Choose the encoder and the aligner of one model.",
            )
        values = self(embedding.values.to(self.hidden.weight))
        return PromptTokens(values, torch.ones(values.shape[:2], dtype=torch.bool, device=values.device))
