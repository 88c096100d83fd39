"""An aligner of patch tokens alone: a perceiver resampler.

It is the resampler of Flamingo (Alayrac et al. 2022, arXiv 2204.14198, section 2.2), with the projections into and out of it as in
IP-Adapter Plus (Ye et al. 2023, arXiv 2308.06721). The authors of ArtToMus name richer visual tokens as their next step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import SettingError
from .base import AlignerNetwork

__all__ = ["ResamplerAligner"]

WIDER = 4
"""Width of the feed-forward networks' hidden layers, in widths of the resampler."""


class ResamplerAligner(AlignerNetwork):
    """n tokens from an artwork's patches: n learnt queries read them several times.

    In each layer the queries attend to the patches and to each other, then pass through a feed-forward network, both pre-norm and
    residual. The queries are stored as [heads, n, hidden / heads], which gives all three sizes.

    Args:
        patch_dim: width P of a patch.
        hidden: width of the resampler, and of all attention heads together.
        tokens: number of tokens n.
        width: width W of the language model.
        space: name of the embedding space that it is trained on.
        depth: number of layers.
        heads: attention heads; must divide `hidden`.

    Raises:
        SettingError: fewer than one layer, or heads that do not divide `hidden`.
    """

    kind = "resampler"

    def __init__(
        self, *, patch_dim: int, hidden: int, tokens: int, width: int, space: str, depth: int = 4, heads: int = 8
    ) -> None:
        super().__init__(tokens=tokens, width=width, space=space, patch_dim=patch_dim)
        if depth < 1:
            raise SettingError(f"a resampler of depth {depth}", "1 layer or more", "Choose another depth.")
        if heads < 1 or hidden % heads:
            raise SettingError(
                f"{heads} heads in {hidden}", "a number that divides it", "Choose another number of heads."
            )
        self.norm = nn.LayerNorm(patch_dim)
        self.seen = nn.Linear(patch_dim, hidden)
        self.queries = nn.Parameter(torch.randn(heads, tokens, hidden // heads) / hidden**0.5)
        self.layers = nn.ModuleList(ResamplerLayer(hidden, heads) for _ in range(depth))
        self.last = nn.LayerNorm(hidden)
        self.prompt = nn.Linear(hidden, width)

    @classmethod
    def reads(cls, model: Mapping[str, Any]) -> set[str]:  # noqa: ARG003
        return {"patch_dim"}

    @classmethod
    def sizes_of(cls, state: Mapping[str, Tensor]) -> dict[str, int]:
        heads, _, head = state["queries"].shape
        depth = len({key.split(".")[1] for key in state if key.startswith("layers.")})
        return {"hidden": heads * head, "heads": heads, "depth": depth, "patch_dim": state["seen.weight"].shape[-1]}

    def forward(
        self,
        values: Float[Tensor, "batch dim"],  # noqa: ARG002
        patches: Float[Tensor, "batch patches patch_dim"] | None = None,
    ) -> Float[Tensor, "batch tokens width"]:
        seen = self.seen(self.norm(patches))
        tokens = self.queries.transpose(0, 1).flatten(1).expand(len(seen), -1, -1)
        for layer in self.layers:
            tokens = layer(tokens, seen)
        return self.prompt(self.last(tokens))


class ResamplerLayer(nn.Module):
    """Attention of tokens to patches and to themselves, and a feed-forward network."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_seen, self.norm_wide = (nn.LayerNorm(width) for _ in range(3))
        self.queries, self.keys = (nn.Linear(width, width, bias=False) for _ in range(2))
        self.values, self.out = (nn.Linear(width, width) for _ in range(2))
        self.wide, self.narrow = nn.Linear(width, WIDER * width), nn.Linear(WIDER * width, width)

    def forward(
        self, tokens: Float[Tensor, "batch tokens width"], seen: Float[Tensor, "batch patches width"]
    ) -> Float[Tensor, "batch tokens width"]:
        asking = self.norm(tokens)
        asked = torch.cat([self.norm_seen(seen), asking], dim=1)
        parts = ((self.queries, asking), (self.keys, asked), (self.values, asked))
        queries, keys, values = (part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part, x in parts)
        read = nn.functional.scaled_dot_product_attention(queries, keys, values)
        tokens = tokens + self.out(read.transpose(1, 2).flatten(2))
        return tokens + self.narrow(nn.functional.gelu(self.wide(self.norm_wide(tokens))))
