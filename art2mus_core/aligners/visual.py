"""The Image Aligner of ArtToMus (arXiv 2602.17599): an image embedding to several prompt tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import SettingError
from .base import AlignerNetwork

__all__ = ["VisualAligner"]


class VisualAligner(AlignerNetwork):
    """n tokens from an image embedding, from its patches, or the sum of both.

    The paper has a trained aligner between a frozen image encoder and GPT-2, with several image tokens as its output. It gives no
    layers or sizes, and leaves open whether patches are used. The choice made here:

    - Embedding: LayerNorm, one hidden layer with GELU, and a linear layer to n tokens. It is the smallest non-linear network, like
      its predecessor of 2024 (two linear layers with a tanh between them). The LayerNorm is there because the norm of embeddings
      differs between encoders.
    - Patches: n learnt queries attend to them, see :class:`PatchReader`. An embedding has no positions in the picture, and the
      authors name richer visual tokens as their next step.
    - Both: the sum, so that either part can be omitted and the number of tokens stays the same.

    Args:
        hidden: width of the hidden layer, and of all attention heads together.
        tokens: number of tokens n.
        width: width W of the language model.
        space: name of the embedding space that it is trained on.
        dim: width D of the embedding; None to use only patches.
        patch_dim: width P of a patch; None to use only the embedding.
        heads: attention heads; must divide `hidden`.

    Raises:
        SettingError: neither embedding nor patches, or heads that do not divide `hidden`.
    """

    kind = "visual"

    def __init__(
        self,
        *,
        hidden: int,
        tokens: int,
        width: int,
        space: str,
        dim: int | None = None,
        patch_dim: int | None = None,
        heads: int = 8,
    ) -> None:
        super().__init__(tokens=tokens, width=width, space=space, dim=dim, patch_dim=patch_dim)
        if dim is None and patch_dim is None:
            raise SettingError("an aligner without an input", "a dim, a patch_dim or both", "Set one of them.")
        if dim is not None:
            self.norm = nn.LayerNorm(dim)
            self.hidden = nn.Linear(dim, hidden)
            self.prompt = nn.Linear(hidden, tokens * width)
        if patch_dim is not None:
            self.patches = PatchReader(dim=patch_dim, hidden=hidden, heads=heads, tokens=tokens, width=width)

    @classmethod
    def reads(cls, model: Mapping[str, Any]) -> set[str]:
        return {"dim", "patch_dim"} if model.get("patch_dim") is not None else {"dim"}

    @classmethod
    def sizes_of(cls, state: Mapping[str, Tensor]) -> dict[str, int]:
        """The sizes of a stored state; its keys decide on the use of embedding and patches.

        Raises:
            KeyError: the state has neither part, or an incomplete one.
        """
        sizes: dict[str, int] = {}
        if "patches.queries" not in state or "hidden.weight" in state:
            sizes["hidden"], sizes["dim"] = state["hidden.weight"].shape
        if "patches.queries" in state:
            sizes["heads"], _, head = state["patches.queries"].shape
            sizes |= {"hidden": sizes["heads"] * head, "patch_dim": state["patches.keys.weight"].shape[-1]}
        return sizes

    def forward(
        self, values: Float[Tensor, "batch dim"], patches: Float[Tensor, "batch patches patch_dim"] | None = None
    ) -> Float[Tensor, "batch tokens width"]:
        if self.dim is None:
            return self.patches(patches)
        hidden = nn.functional.gelu(self.hidden(self.norm(values)))
        tokens = self.prompt(hidden).unflatten(-1, (self.tokens, self.width))
        return tokens if self.patch_dim is None else tokens + self.patches(patches)


class PatchReader(nn.Module):
    """Cross-attention of n learnt queries to an artwork's patches, one token per query.

    Patches are normalised first. The queries are stored as [heads, n, hidden / heads], which gives all three sizes. They need no
    projection, and the keys no bias, because the softmax would cancel it.

    Raises:
        SettingError: heads that do not divide `hidden`.
    """

    def __init__(self, *, dim: int, hidden: int, heads: int, tokens: int, width: int) -> None:
        super().__init__()
        if heads < 1 or hidden % heads:
            raise SettingError(
                f"{heads} heads in {hidden}", "a number that divides it", "Choose another number of heads."
            )
        self.norm = nn.LayerNorm(dim)
        self.queries = nn.Parameter(torch.randn(heads, tokens, hidden // heads))
        self.keys = nn.Linear(dim, hidden, bias=False)
        self.values = nn.Linear(dim, hidden)
        self.prompt = nn.Linear(hidden, width)

    def forward(self, patches: Float[Tensor, "batch patches dim"]) -> Float[Tensor, "batch tokens width"]:
        normed, heads = self.norm(patches), len(self.queries)
        keys, values = (part(normed).unflatten(-1, (heads, -1)).transpose(1, 2) for part in (self.keys, self.values))
        queries = self.queries.expand(len(patches), *self.queries.shape)
        read = nn.functional.scaled_dot_product_attention(queries, keys, values)
        return self.prompt(read.transpose(1, 2).flatten(2))
