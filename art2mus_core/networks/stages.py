"""The stages of AudioLDM2's UNet: residual blocks of one resolution, each followed by transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .layers import Downsample, ResidualBlock, Upsample
from .transformer import Transformer

__all__ = ["Conditioning", "DownStage", "Level", "MiddleStage", "Sizes", "UpStage"]

TEXT = 2
"""From which place in its list of widths on a level's transformers attend to the text."""


class Conditioning(NamedTuple):
    """The language of audio, the text where there is one, and the bias that masks the text's padding."""

    language: Float[Tensor, "batch length width"]
    text: Float[Tensor, "batch tokens text_width"] | None
    bias: Float[Tensor, "batch 1 1 tokens"] | None


class Level(NamedTuple):
    """One resolution: its channels, residual blocks, heads, blocks of each transformer, and the widths of what these attend to."""

    channels: int
    layers: int
    heads: int
    depth: int
    widths: list[int | None]


class Sizes(NamedTuple):
    """What all levels have in common."""

    time: int
    groups: int
    eps: float
    linear: bool


class Stage(nn.Module):
    """Residual blocks, each followed by the transformers of its level."""

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

    def attend(self, x: Float[Tensor, "batch channels height width"], layer: int, conditioning: Conditioning) -> Tensor:
        """The transformers behind a layer's residual block."""
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
    """On the way down; everything that it makes is kept for the way up."""

    def __init__(self, inputs: int, level: Level, sizes: Sizes, *, attends: bool, last: bool) -> None:
        widths = [inputs, *[level.channels] * (level.layers - 1)]
        super().__init__(widths, level, sizes, attending=level.layers if attends else 0)
        if not last:
            self.downsamplers = nn.ModuleList([Downsample(level.channels, even=True)])

    def forward(self, x: Tensor, time: Tensor, conditioning: Conditioning) -> list[Tensor]:
        kept = []
        for layer, block in enumerate(self.resnets):
            x = self.attend(block(x, time), layer, conditioning)
            kept.append(x)
        if hasattr(self, "downsamplers"):
            kept.append(self.downsamplers[0](x))
        return kept


class MiddleStage(Stage):
    """At the lowest resolution."""

    def __init__(self, level: Level, sizes: Sizes) -> None:
        super().__init__([level.channels] * 2, level, sizes, attending=1)

    def forward(self, x: Tensor, time: Tensor, conditioning: Conditioning) -> Tensor:
        first, second = self.resnets
        return second(self.attend(first(x, time), 0, conditioning), time)


class UpStage(Stage):
    """On the way up; each residual block also sees what was kept on the way down."""

    def __init__(self, inputs: int, kept: int, level: Level, sizes: Sizes, *, attends: bool, last: bool) -> None:
        count = level.layers + 1
        skips = [*[level.channels] * level.layers, kept]
        widths = [a + b for a, b in zip([inputs, *[level.channels] * level.layers], skips, strict=True)]
        super().__init__(widths, level, sizes, attending=count if attends else 0)
        if not last:
            self.upsamplers = nn.ModuleList([Upsample(level.channels)])

    def forward(self, x: Tensor, time: Tensor, conditioning: Conditioning, kept: list[Tensor]) -> Tensor:
        """`kept` is used up from its end; what stays in it tells the size to grow to."""
        for layer, block in enumerate(self.resnets):
            x = self.attend(block(torch.cat([x, kept.pop()], dim=1), time), layer, conditioning)
        if hasattr(self, "upsamplers"):
            height, width = kept[-1].shape[2:]
            x = self.upsamplers[0](x, (height, width))
        return x
