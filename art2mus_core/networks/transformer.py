"""The transformer over the pixels of a latent of latent diffusion (Rombach et al. 2022)."""

from __future__ import annotations

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import Attention
from .products import Linear

__all__ = ["Transformer"]


class GatedGelu(nn.Module):
    """One linear layer; one half of its output gates the other (Shazeer 2020)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.proj = Linear(width, 2 * hidden)

    def forward(self, x: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch length hidden"]:
        hidden, gate = self.proj(x).chunk(2, dim=-1)
        return hidden * F.gelu(gate)


class TransformerBlock(nn.Module):
    """Self-attention, cross-attention and a feed-forward network, each after a norm and with a residual connection."""

    def __init__(self, width: int, heads: int, context: int | None) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn1 = Attention(width, heads, width // heads)
        self.attn2 = Attention(width, heads, width // heads, context=context)
        # the Identity keeps the published indices: diffusers has a dropout there
        layers = nn.Sequential(GatedGelu(width, 4 * width), nn.Identity(), Linear(4 * width, width))
        self.ff = nn.Sequential(OrderedDict(net=layers))

    def forward(
        self, x: Float[Tensor, "batch length width"], context: Tensor | None, bias: Tensor | None
    ) -> Float[Tensor, "batch length width"]:
        x = self.attn1(self.norm1(x)) + x
        x = self.attn2(self.norm2(x), context, bias) + x
        return self.ff(self.norm3(x)) + x


class Transformer(nn.Module):
    """Transformer blocks over all pixels of a latent, with a residual connection.

    Args:
        channels: of the input and the output.
        heads: attention heads.
        depth: number of blocks.
        context: width of the states that the second attention of a block attends to; None makes it self-attention.
        groups: groups of the norm.
        linear: whether the projections are linear layers rather than 1 x 1 convolutions.
    """

    def __init__(
        self, channels: int, *, heads: int, depth: int, context: int | None, groups: int, linear: bool
    ) -> None:
        super().__init__()
        inner = heads * (channels // heads)
        self.linear = linear
        self.norm = nn.GroupNorm(groups, channels, 1e-6)
        self.proj_in = Linear(channels, inner) if linear else nn.Conv2d(channels, inner, 1)
        self.transformer_blocks = nn.ModuleList(TransformerBlock(inner, heads, context) for _ in range(depth))
        self.proj_out = Linear(inner, channels) if linear else nn.Conv2d(inner, channels, 1)

    def forward(
        self, x: Float[Tensor, "batch channels height width"], context: Tensor | None, bias: Tensor | None
    ) -> Float[Tensor, "batch channels height width"]:
        height, width = x.shape[2:]
        hidden = self.norm(x)
        hidden = self.proj_in(_pixels(hidden)) if self.linear else _pixels(self.proj_in(hidden))
        for block in self.transformer_blocks:
            hidden = block(hidden, context, bias)
        if self.linear:
            return _grid(self.proj_out(hidden), height, width) + x
        return self.proj_out(_grid(hidden, height, width)) + x


def _pixels(x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch pixels channels"]:
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def _grid(
    x: Float[Tensor, "batch pixels channels"], height: int, width: int
) -> Float[Tensor, "batch channels height width"]:
    return x.unflatten(1, (height, width)).permute(0, 3, 1, 2).contiguous()
