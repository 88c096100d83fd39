"""The gap between the embeddings of pictures and of sounds, closed for an aligner that was trained on sounds alone."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["GapClosure"]


class GapClosure(nn.Module):
    """Moves embeddings of artworks to where those of their music lie in a joint space.

    Encoders of a joint space put pictures and sounds into two separate cones (Liang et al. 2022, "Mind the Gap"). The map is affine,
    and the moved embedding keeps its length, because such encoders normalise their embeddings.

    Args:
        dim: width D of the embedding.
        mapped: whether there is a matrix, or a shift alone.
    """

    weight: Tensor | None
    bias: Tensor

    def __init__(self, dim: int, *, mapped: bool) -> None:
        super().__init__()
        self.register_buffer("weight", torch.eye(dim) if mapped else None)
        self.register_buffer("bias", torch.zeros(dim))

    @classmethod
    def of(cls, bias: Float[Tensor, " dim"], weight: Float[Tensor, "dim dim"] | None = None) -> GapClosure:
        """The closure with these values."""
        closure = cls(len(bias), mapped=weight is not None)
        closure.bias.copy_(bias)
        if closure.weight is not None and weight is not None:
            closure.weight.copy_(weight)
        return closure

    def moved(self, values: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch dim"]:
        """The affine map alone."""
        return (values if self.weight is None else values @ self.weight.T) + self.bias

    def forward(self, values: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch dim"]:
        return F.normalize(self.moved(values), dim=-1) * values.norm(dim=-1, keepdim=True)
