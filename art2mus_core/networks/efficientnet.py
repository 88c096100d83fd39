"""EfficientNet-Lite (Tan & Le 2019; the Lite variants of 2020): a picture to feature maps.

Lite has ReLU6 instead of Swish and no squeeze-and-excitation, and its first and last stages are not scaled. Batch normalisation is folded
into the convolutions when the weights are converted, so a block is convolutions only.
"""

from __future__ import annotations

import math
from itertools import chain, repeat

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Block", "EfficientNetLite", "pooled"]

STEM = 32
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
"""Kernel, stride, expansion, channels and blocks of each stage of Lite0."""

POOLED = (2, 3, 5)
"""The stages whose ends are used beside the last map: textures, parts and objects."""


class EfficientNetLite(nn.Module):
    """Pictures [B, 3, H, W], with values (0..255 - 127) / 128, to the maps at the ends of three stages and the last map.

    Args:
        width: factor of the channels; Lite0 1.0, Lite2 1.1.
        depth: factor of the blocks; Lite0 1.0, Lite2 1.2.
        channels: channels of the last map; 1280 in all published sizes.
    """

    def __init__(self, width: float, depth: float, channels: int = 1280) -> None:
        super().__init__()
        self.stem = Same(3, STEM, 3, stride=2)
        before, stages, self.channels = STEM, [], []
        for index, (kernel, stride, expansion, base, blocks) in enumerate(STAGES):
            after = _rounded(base * width)
            count = blocks if index in {0, len(STAGES) - 1} else math.ceil(blocks * depth)
            sizes = chain([(before, stride)], repeat((after, 1), count - 1))
            stages.append(nn.Sequential(*(Block(inputs, after, kernel, step, expansion) for inputs, step in sizes)))
            self.channels += [after] if index in POOLED else []
            before = after
        self.stages = nn.ModuleList(stages)
        self.head = Same(before, channels, 1)
        self.channels.append(channels)

    def forward(self, pictures: Float[Tensor, "batch 3 height width"]) -> list[Float[Tensor, "batch _c _h _w"]]:
        x, maps = F.relu6(self.stem(pictures)), []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            maps += [x] if index in POOLED else []
        return [*maps, F.relu6(self.head(x))]


class Same(nn.Conv2d):
    """A convolution with TensorFlow's padding "same": output size = ceil(size / stride), the odd pixel right and below."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups)

    def forward(self, input: Float[Tensor, "batch inputs _h _w"]) -> Float[Tensor, "batch outputs _y _x"]:  # noqa: A002  torch's
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        if kernel > 1:
            missing = [max((math.ceil(n / stride) - 1) * stride + kernel - n, 0) for n in input.shape[:1:-1]]
            input = F.pad(input, [side for n in missing for side in (n // 2, n - n // 2)])  # noqa: A001
        return super().forward(input)


class Block(nn.Module):
    """An inverted residual: expand, convolve each channel, project."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = Same(inputs, inner, 1) if expansion > 1 else None
        self.depthwise = Same(inner, inner, kernel, stride=stride, groups=inner)
        self.project = Same(inner, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Float[Tensor, "batch inputs _h _w"]) -> Float[Tensor, "batch outputs _y _x"]:
        inner = x if self.expand is None else F.relu6(self.expand(x))
        projected = self.project(F.relu6(self.depthwise(inner)))
        return x + projected if self.residual else projected


def _rounded(channels: float) -> int:
    """Channels as a multiple of 8, not below nine tenths."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def pooled(maps: list[Float[Tensor, "batch _c _h _w"]]) -> Float[Tensor, "batch features"]:
    """Mean and standard deviation over space of each map, one after the other."""
    flat = [each.flatten(2) for each in maps]
    return torch.cat([part for each in flat for part in (each.mean(-1), each.std(-1, correction=0))], dim=-1)
