"""The image projection of Art2Mus 2024 (arXiv 2410.04906, and the authors' code): two linear layers, a tanh between them."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from ..types import Embedding, PromptTokens
from .ends import accept, prompt

__all__ = ["ProjectionAligner"]


class ProjectionAligner(nn.Module):
    """n tokens side by side from an artwork's embedding, with neither a norm nor a residual.

    The embedding is taken as the encoder gives it; ImageBind's, which the published weights were trained on, has length 1.

    Args:
        dim: width D of the embedding.
        hidden: width of the hidden layer.
        tokens: tokens n.
        width: width W of the language model.
        space: name of the embedding space it is trained on.
    """

    kind = "projection"

    def __init__(self, *, dim: int, hidden: int, tokens: int, width: int, space: str) -> None:
        super().__init__()
        self.space, self.tokens, self.width, self.dim = space, tokens, width, dim
        self.hidden = nn.Linear(dim, hidden)
        self.prompt = nn.Linear(hidden, tokens * width)

    @classmethod
    def for_state(cls, state: dict[str, Tensor], *, tokens: int, width: int, space: str) -> ProjectionAligner:
        """An aligner of the sizes of a stored state.

        Raises:
            KeyError: the hidden layer is not there.
        """
        hidden, dim = state["hidden.weight"].shape
        return cls(dim=dim, hidden=hidden, tokens=tokens, width=width, space=space)

    def forward(self, values: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch tokens width"]:
        return self.prompt(self.hidden(values).tanh()).unflatten(-1, (self.tokens, self.width))

    def align(self, embedding: Embedding) -> PromptTokens:
        """[B, D] to [B, n, W], every token counting.

        Raises:
            CheckpointError: the embedding is of another space or width.
        """
        accept(embedding, space=self.space, dim=self.dim)
        return prompt(self(embedding.values.to(self.hidden.weight)))
