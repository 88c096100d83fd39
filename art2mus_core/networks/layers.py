"""The layers that UNet and autoencoder share."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from .products import Linear, attend_by_heads, by_heads

__all__ = ["Attention", "Downsample", "ResidualBlock", "Upsample"]


class ResidualBlock(nn.Module):
    """Norm, SiLU and convolution, twice, with a residual connection; the time embedding is added between the two.

    Args:
        inputs: input channels.
        outputs: output channels.
        time: width of the time embedding; 0 for none.
        groups: groups of the norms.
        eps: epsilon of the norms.
    """

    def __init__(self, inputs: int, outputs: int, *, time: int, groups: int, eps: float) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inputs, eps)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time_emb_proj = Linear(time, outputs) if time else None
        self.norm2 = nn.GroupNorm(groups, outputs, eps)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(
        self, x: Float[Tensor, "batch inputs height width"], time: Float[Tensor, "batch time"] | None = None
    ) -> Float[Tensor, "batch outputs height width"]:
        hidden = self.conv1(F.silu(self.norm1(x)))
        if self.time_emb_proj is not None and time is not None:
            hidden = hidden + self.time_emb_proj(F.silu(time))[:, :, None, None]
        hidden = self.conv2(F.silu(self.norm2(hidden)))
        return (x if self.conv_shortcut is None else self.conv_shortcut(x)) + hidden


class Attention(nn.Module):
    """Multi-head attention to a context, or self-attention without one.

    Args:
        width: width of the input and the output.
        heads: number of heads.
        head_width: width of each head.
        context: width of the context; by default that of the input.
        bias: whether the projections of queries, keys and values have a bias.
    """

    exact = 1_100
    """Positions up to which self-attention in float32 keeps the bits of torch's kernel: those of 30 s in the bundled denoiser."""

    def __init__(
        self, width: int, heads: int, head_width: int, *, context: int | None = None, bias: bool = False
    ) -> None:
        super().__init__()
        inner = heads * head_width
        self.heads = heads
        self.to_q = Linear(width, inner, bias=bias)
        self.to_k = Linear(context or width, inner, bias=bias)
        self.to_v = Linear(context or width, inner, bias=bias)
        self.to_out = nn.Sequential(Linear(inner, width))

    def forward(
        self,
        x: Float[Tensor, "batch length width"],
        context: Float[Tensor, "batch states context"] | None = None,
        bias: Float[Tensor, "batch 1 1 states"] | None = None,
    ) -> Float[Tensor, "batch length width"]:
        """`bias` is added to the attention scores: 0 to attend, a large negative number to mask."""
        source = x if context is None else context
        query, key, value = (self._split(each) for each in (self.to_q(x), self.to_k(source), self.to_v(source)))
        if context is None and by_heads(query, self.exact):
            attended = attend_by_heads(query, key, value)
        else:
            attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.to_out(attended.transpose(1, 2).flatten(2))

    def _split(self, x: Float[Tensor, "batch length inner"]) -> Float[Tensor, "batch heads length head"]:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class Downsample(nn.Module):
    """Halve height and width.

    Args:
        channels: of the input and the output.
        even: pad all four sides (UNet) rather than right and bottom only (autoencoder).
    """

    def __init__(self, channels: int, *, even: bool) -> None:
        super().__init__()
        self.even = even
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=1 if even else 0)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels h w"]:
        return self.conv(x if self.even else F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    """Nearest-neighbour interpolation to a given size, by default twice the input's, and a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(
        self, x: Float[Tensor, "batch channels h w"], size: tuple[int, int] | None = None
    ) -> Float[Tensor, "batch channels height width"]:
        height, width = x.shape[2:]
        return self.conv(F.interpolate(x, size=size or (2 * height, 2 * width)))
