"""HiFi-GAN (Kong et al. 2020): log-mel spectrogram to waveform.

Its convolutions run as those of pictures one row high, because those may have their channels last in memory: on a processor with AVX2
this takes about four fifths of the time (`benchmarks/art2music_full.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

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


class _Stage(NamedTuple):
    """A part of the network.

    Attributes:
        run: from [B, C, 1, N] to at least `rate` N samples.
        reach: input samples to either side on which an output sample depends.
        rate: output samples per input sample.
    """

    run: Callable[[Tensor], Tensor]
    reach: int
    rate: int


def _convolved(
    layer: Any,  # noqa: ANN401  a Conv1d, but a ModuleList does not know its modules
    x: Float[Tensor, "batch inputs 1 samples"],
) -> Float[Tensor, "batch outputs 1 samples"]:
    padding, dilation = (0, int(layer.padding[0])), (1, layer.dilation[0])
    return F.conv2d(x, layer.weight[:, :, None], layer.bias, padding=padding, dilation=dilation)


class ResidualBlock(nn.Module):
    """Dilated convolutions of one kernel size, each with a residual connection."""

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int], slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=step, padding=(kernel - 1) * step // 2) for step in dilations
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations)
        self.reach = sum((kernel - 1) // 2 * (step + 1) for step in dilations)

    def forward(self, x: Float[Tensor, "batch channels 1 samples"]) -> Float[Tensor, "batch channels 1 samples"]:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            hidden = _convolved(dilated, F.leaky_relu(x, self.slope))
            x = _convolved(plain, F.leaky_relu_(hidden, self.slope)).add_(x)
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
        x = self._rows(mel)
        for stage in self._stages():
            x = stage.run(x)
        return x[:, 0, 0]

    def stream(self, mel: Float[Tensor, "batch frames bins"], frames: int) -> Iterator[Float[Tensor, "batch samples"]]:
        """What :meth:`forward` returns, in pieces: the first of at least `frames` frames, then of as many each, then the rest.

        Each stage gets the inputs around its own that it depends on, and computes nothing else twice.
        """
        stages, ahead, rate = self._stages(), 0, 1
        for stage in stages[::-1]:
            rate *= stage.rate
            ahead += stage.reach * rate
        x, start = self._rows(mel), frames + math.ceil(ahead / rate)
        pieces: Iterable[Tensor] = (x[..., :start], *x[..., start:].split(frames, dim=-1))
        for stage in stages:
            pieces = _passed(pieces, stage)
        return (piece[:, 0, 0] for piece in pieces)

    def lay_out(self, *, channels_last: bool) -> None:
        """Lay the weights out in memory, and thereby what they compute; nothing is done where they lie so already."""
        for layer in self.modules():
            if isinstance(layer, (nn.Conv1d, nn.ConvTranspose1d)):
                data = layer.weight.data
                layer.weight.data = data.mT.contiguous().mT if channels_last else data.contiguous()

    def _rows(self, mel: Float[Tensor, "batch frames bins"]) -> Float[Tensor, "batch bins 1 frames"]:
        if self.config["normalize_before"]:
            mel = (mel - self.mean) / self.scale
        return mel.mT.contiguous()[:, :, None]  # the weights alone decide the layout of what follows

    def _stages(self) -> list[_Stage]:
        levels = [self._level(upsample, level) for level, upsample in enumerate(self.upsampler)]
        return [_Stage(lambda x: _convolved(self.conv_pre, x), 3, 1), *levels, _Stage(self._last, 3, 1)]

    def _level(self, upsample: Any, level: int) -> _Stage:  # noqa: ANN401
        kernel, rate, padding = (getattr(upsample, name)[0] for name in ("kernel_size", "stride", "padding"))
        blocks: Any = self.resblocks[level * self.kinds : (level + 1) * self.kinds]

        def run(x: Tensor) -> Tensor:
            active, weight = F.leaky_relu(x, self.slope), upsample.weight[:, :, None]
            x = F.conv_transpose2d(active, weight, upsample.bias, stride=(1, rate), padding=(0, padding))
            total = blocks[0](x)
            for block in blocks[1:]:
                total += block(x)
            return total.div_(self.kinds)

        reach = max((kernel - 1 - padding) // rate, (rate - 1 + padding) // rate)
        return _Stage(run, reach + math.ceil(max(block.reach for block in blocks) / rate), rate)

    def _last(self, x: Float[Tensor, "batch channels 1 samples"]) -> Float[Tensor, "batch 1 1 samples"]:
        return torch.tanh(_convolved(self.conv_post, F.leaky_relu(x, LAST_SLOPE)))


def _passed(pieces: Iterable[Tensor], stage: _Stage) -> Iterator[Tensor]:
    """A stage's output for a sequence that comes in pieces, each as soon as the inputs after it are there."""
    kept: Tensor | None = None  # the inputs that are still needed
    before = 0  # how many of them are done
    for piece in pieces:
        kept = piece if kept is None else torch.cat([kept, piece], dim=-1)
        ready = kept.shape[-1] - stage.reach
        if ready > before:
            yield stage.run(kept)[..., before * stage.rate : ready * stage.rate]
            dropped = max(0, ready - stage.reach)
            kept, before = kept[..., dropped:], ready - dropped
    if kept is not None and kept.shape[-1] > before:
        yield stage.run(kept)[..., before * stage.rate :]
