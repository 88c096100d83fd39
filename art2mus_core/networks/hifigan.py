"""HiFi-GAN (Kong et al. 2020): log-mel spectrogram to waveform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from .options import completed

__all__ = ["HifiGan"]

DEFAULTS: dict[str, Any] = {
    "model_in_dim": 80,
    "sampling_rate": 16000,
    "upsample_initial_channel": 512,
    "upsample_rates": [4, 4, 4, 4],
    "upsample_kernel_sizes": [8, 8, 8, 8],
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
    "leaky_relu_slope": 0.1,
    "normalize_before": True,
}
"""transformers' defaults."""

LAST_SLOPE = 0.01
"""Slope of the activation before the last convolution, in the published code and in transformers."""


class ResidualBlock(nn.Module):
    """Dilated convolutions of one kernel size, each with a residual connection."""

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int], slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=step, padding=(kernel - 1) * step // 2) for step in dilations
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations)

    def forward(self, x: Float[Tensor, "batch channels samples"]) -> Float[Tensor, "batch channels samples"]:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            hidden = plain(F.leaky_relu(dilated(F.leaky_relu(x, self.slope)), self.slope))
            x = hidden + x
        return x


class HifiGan(nn.Module):
    """Log-mel [B, T, bins] to samples [B, N], in -1..1.

    Args:
        config: the content of a `config.json` of transformers' `SpeechT5HifiGan`.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = completed(config, "HiFi-GAN", defaults=DEFAULTS, fixed={})
        bins, wide, self.slope = (
            self.config[key] for key in ("model_in_dim", "upsample_initial_channel", "leaky_relu_slope")
        )
        rates, kernels = self.config["upsample_rates"], self.config["upsample_kernel_sizes"]
        shapes = list(zip(self.config["resblock_kernel_sizes"], self.config["resblock_dilation_sizes"], strict=True))
        channels = [wide // 2**level for level in range(len(rates) + 1)]
        self.kinds = len(shapes)
        self.conv_pre = nn.Conv1d(bins, wide, 7, padding=3)
        self.upsampler = nn.ModuleList(
            nn.ConvTranspose1d(above, below, kernel, stride=rate, padding=(kernel - rate) // 2)
            for above, below, rate, kernel in zip(channels[:-1], channels[1:], rates, kernels, strict=True)
        )
        self.resblocks = nn.ModuleList(
            ResidualBlock(below, kernel, dilations, self.slope)
            for below in channels[1:]
            for kernel, dilations in shapes
        )
        self.conv_post = nn.Conv1d(channels[-1], 1, 7, padding=3)
        self.register_buffer("mean", torch.zeros(bins))
        self.register_buffer("scale", torch.ones(bins))

    def forward(self, mel: Float[Tensor, "batch frames bins"]) -> Float[Tensor, "batch samples"]:
        if self.config["normalize_before"]:
            mel = (mel - self.mean) / self.scale
        x = self.conv_pre(mel.transpose(1, 2))
        for level, upsample in enumerate(self.upsampler):
            x = upsample(F.leaky_relu(x, self.slope))
            blocks = self.resblocks[level * self.kinds : (level + 1) * self.kinds]
            first, *others = (block(x) for block in blocks)
            x = sum(others, first) / self.kinds
        return torch.tanh(self.conv_post(F.leaky_relu(x, LAST_SLOPE)))[:, 0]
