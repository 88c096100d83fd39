"""The stages of AudioLDM2's UNet: residual blocks of one resolution, each followed by transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .layers import Downsample, ResidualBlock, Upsample
from .transformer import Transformer

__all__ = ["TEXT", "Conditioning", "DownStage", "Level", "MiddleStage", "Sizes", "UpStage"]

TEXT = 2
"""Index in a level's list of widths from which its transformers attend to the text."""


class Conditioning(NamedTuple):
    """The language of audio, text states where there are any, and the attention bias that masks their padding."""

    language: Float[Tensor, "batch length width"]
    text: Float[Tensor, "batch tokens text_width"] | None
    bias: Float[Tensor, "batch 1 1 tokens"] | None


class Level(NamedTuple):
    """One resolution: channels, residual blocks, attention heads, blocks per transformer, and widths of the attended states."""

    channels: int
    layers: int
    heads: int
    depth: int
    widths: list[int | None]


class Sizes(NamedTuple):
    """Sizes shared by all levels: width of the time embedding, groups and epsilon of norms, linear projections."""

    time: int
    groups: int
    eps: float
    linear: bool


class Stage(nn.Module):
    """Residual blocks, each followed by the transformers of its level.

    Attributes:
        checkpointing: compute a block's activations again in the backward pass instead of keeping them.
    """

    checkpointing = False

    def __init__(self, inputs: Sequence[int], level: Level, sizes: Sizes, *, attending: int) -> None:
        super().__init__()
        self.widths = level.widths if attending else []
        self.resnets = nn.ModuleList(
            ResidualBlock(each, level.channels, time=sizes.time, groups=sizes.groups, eps=sizes.eps) for each in inputs
        )
        attentions = [
            Transformer(
                level.channels,
                heads=level.heads,
                depth=level.depth,
                context=width,
                groups=sizes.groups,
                linear=sizes.linear,
            )
            for _ in range(attending)
            for width in self.widths
        ]
        if attentions:
            self.attentions = nn.ModuleList(attentions)

    def block(self, layer: int, time: Tensor, conditioning: Conditioning, *parts: Tensor) -> Tensor:
        """Apply a residual block to parts of its channels, then the transformers that follow it."""
        if not (self.checkpointing and torch.is_grad_enabled()):
            return self._block(layer, time, conditioning, *parts)
        # nothing in a block is random
        again: Tensor = checkpoint(
            self._block, layer, time, conditioning, *parts, use_reentrant=False, preserve_rng_state=False
        )
        return again

    def _block(self, layer: int, time: Tensor, conditioning: Conditioning, *parts: Tensor) -> Tensor:
        x = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
        return self._attend(self.resnets[layer](x, time), layer, conditioning)

    def _attend(
        self, x: Float[Tensor, "batch channels height width"], layer: int, conditioning: Conditioning
    ) -> Tensor:
        for place, width in enumerate(self.widths):
            transformer = self.attentions[layer * len(self.widths) + place]
            if width is None:
                x = transformer(x, None, None)
            elif place >= TEXT and conditioning.text is not None:
                x = transformer(x, conditioning.text, conditioning.bias)
            else:
                x = transformer(x, conditioning.language, None)
        return x


class DownStage(Stage):
    """A stage of the encoder half; returns every intermediate result for the skip connections."""

    def __init__(self, inputs: int, level: Level, sizes: Sizes, *, attends: bool, last: bool) -> None:
        widths = [inputs, *[level.channels] * (level.layers - 1)]
        super().__init__(widths, level, sizes, attending=level.layers if attends else 0)
        if not last:
            self.downsamplers = nn.ModuleList([Downsample(level.channels, even=True)])

    def forward(self, x: Tensor, time: Tensor, conditioning: Conditioning) -> list[Tensor]:
        kept = []
        for layer in range(len(self.resnets)):
            x = self.block(layer, time, conditioning, x)
            kept.append(x)
        if hasattr(self, "downsamplers"):
            kept.append(self.downsamplers[0](x))
        return kept


class MiddleStage(Stage):
    """The stage at the lowest resolution."""

    def __init__(self, level: Level, sizes: Sizes) -> None:
        super().__init__([level.channels] * 2, level, sizes, attending=1)

    def forward(self, x: Tensor, time: Tensor, conditioning: Conditioning) -> Tensor:
        return self.resnets[1](self.block(0, time, conditioning, x), time)


class UpStage(Stage):
    """A stage of the decoder half; each residual block also receives a skip connection."""

    def __init__(self, inputs: int, kept: int, level: Level, sizes: Sizes, *, attends: bool, last: bool) -> None:
        count = level.layers + 1
        skips = [*[level.channels] * level.layers, kept]
        widths = [a + b for a, b in zip([inputs, *[level.channels] * level.layers], skips, strict=True)]
        super().__init__(widths, level, sizes, attending=count if attends else 0)
        if not last:
            self.upsamplers = nn.ModuleList([Upsample(level.channels)])

    def forward(self, x: Tensor, time: Tensor, conditioning: Conditioning, kept: list[Tensor]) -> Tensor:
        """Takes skip connections off the end of `kept`; the next one there gives the size to upsample to."""
        for layer in range(len(self.resnets)):
            x = self.block(layer, time, conditioning, x, kept.pop())
        if hasattr(self, "upsamplers"):
            height, width = kept[-1].shape[2:]
            x = self.upsamplers[0](x, (height, width))
        return x
