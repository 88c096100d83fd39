"""The transformer over the places of a latent, as latent diffusion has it (Rombach et al. 2022)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import Attention

__all__ = ["Transformer"]


class GatedGelu(nn.Module):
    """One linear layer, half of whose output opens the other half (Shazeer 2020)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 2 * hidden)

    def forward(self, x: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch length hidden"]:
        hidden, gate = self.proj(x).chunk(2, dim=-1)
        return hidden * F.gelu(gate)


class FeedForward(nn.Module):
    """Four times as wide inside; the empty place in `net` was a dropout's."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(GatedGelu(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch length width"]:
        return self.net(x)


class TransformerBlock(nn.Module):
    """Attention to itself, to what is conditioning, and a feed-forward network, each after a norm and around a residual connection."""

    def __init__(self, width: int, heads: int, context: int | None) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn1 = Attention(width, heads, width // heads)
        self.attn2 = Attention(width, heads, width // heads, context=context)
        self.ff = FeedForward(width)

    def forward(
        self, x: Float[Tensor, "batch length width"], context: Tensor | None, bias: Tensor | None
    ) -> Float[Tensor, "batch length width"]:
        x = self.attn1(self.norm1(x)) + x
        x = self.attn2(self.norm2(x), context, bias) + x
        return self.ff(self.norm3(x)) + x


class Transformer(nn.Module):
    """Transformer blocks over all places of a latent, with a residual connection.

    Args:
        channels: in and out.
        heads: of the attention.
        depth: blocks.
        context: width of what is attended to; None is self-attention.
        groups: of the norm.
        linear: whether the projections are linear layers, or convolutions of one pixel.
    """

    def __init__(
        self, channels: int, *, heads: int, depth: int, context: int | None, groups: int, linear: bool
    ) -> None:
        super().__init__()
        inner = heads * (channels // heads)
        self.linear = linear
        self.norm = nn.GroupNorm(groups, channels, 1e-6)
        self.proj_in = nn.Linear(channels, inner) if self.linear else nn.Conv2d(channels, inner, 1)
        self.transformer_blocks = nn.ModuleList(TransformerBlock(inner, heads, context) for _ in range(depth))
        self.proj_out = nn.Linear(inner, channels) if self.linear else nn.Conv2d(inner, channels, 1)

    def forward(
        self, x: Float[Tensor, "batch channels height width"], context: Tensor | None, bias: Tensor | None
    ) -> Float[Tensor, "batch channels height width"]:
        height, width = x.shape[2:]
        hidden = self.norm(x)
        hidden = self.proj_in(_row(hidden)) if self.linear else _row(self.proj_in(hidden))
        for block in self.transformer_blocks:
            hidden = block(hidden, context, bias)
        if self.linear:
            return _grid(self.proj_out(hidden), height, width) + x
        return self.proj_out(_grid(hidden, height, width)) + x


def _row(x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch places channels"]:
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def _grid(
    x: Float[Tensor, "batch places channels"], height: int, width: int
) -> Float[Tensor, "batch channels height width"]:
    return x.unflatten(1, (height, width)).permute(0, 3, 1, 2).contiguous()
