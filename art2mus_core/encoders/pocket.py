"""The pocket model's two towers: a small counterpart of ImageBind, with pictures and sounds in a 128-d space.

Both towers are convolutional networks that end with mean and standard deviation over space (or time), so they accept pictures of any
aspect ratio and sounds of any length.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..audio.mel import MelTransform
from ..audio.resample import resample
from ..images.reading import as_square
from ..types import Artwork, AudioGrid, Embedding, Mel, Waveform
from .squares import check_size

__all__ = ["PocketAudioEncoder", "PocketImageEncoder", "PocketSoundEncoder"]


class _Stage(nn.Module):
    """A strided convolution, then a residual one."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int]) -> None:
        super().__init__()
        kernel = tuple(max(3, s + 1) for s in stride)
        padding = tuple(k // 2 for k in kernel)
        self.down = nn.Conv2d(inputs, outputs, kernel, stride, padding)  # type: ignore[arg-type]
        self.norm = nn.GroupNorm(8, outputs)
        self.refine = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Float[Tensor, "batch inputs height width"]) -> Float[Tensor, "batch outputs h w"]:
        x = F.silu(self.norm(self.down(x)))
        return x + F.silu(self.refine(x))


class _Tower(nn.Module):
    """Stages, pooling by mean and standard deviation, and a unit-norm projection."""

    def __init__(self, inputs: int, channels: list[int], strides: list[tuple[int, int]], dim: int, rows: int) -> None:
        super().__init__()
        widths = [inputs, *channels]
        self.stages = nn.Sequential(
            *(_Stage(a, b, stride) for a, b, stride in zip(widths[:-1], widths[1:], strides, strict=True))
        )
        self.head = nn.Sequential(nn.Linear(2 * widths[-1] * rows, 256), nn.GELU(), nn.Linear(256, dim))

    def forward(self, x: Float[Tensor, "batch inputs height width"]) -> Float[Tensor, "batch dim"]:
        features = self._pool(self.stages(x))
        return F.normalize(self.head(features), dim=-1)

    def _pool(self, x: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch features"]:
        raise NotImplementedError


class PocketImageEncoder(_Tower):
    """The image tower: [B, 3, size, size] in 0..1 to [B, dim], unit norm.

    Args:
        size: side in pixels of the square that artworks are scaled to, whatever their aspect ratio.
        channels: width of each stage; the first divides the resolution by 4, the others by 2.
        dim: width of the embedding.
        space: name of the joint space.
    """

    def __init__(self, size: int, channels: list[int], dim: int, space: str) -> None:
        strides = [(4, 4), *[(2, 2)] * (len(channels) - 1)]
        super().__init__(3, channels, strides, dim, rows=1)
        self.config: dict[str, Any] = {"size": size, "channels": channels, "dim": dim, "space": space}
        self.space = space

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PocketImageEncoder:
        check_size(config["size"], 2 ** (len(config["channels"]) + 1))
        return cls(config["size"], config["channels"], config["dim"], config["space"])

    def _pool(self, x: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch features"]:
        flat = x.flatten(2)
        return torch.cat([flat.mean(-1), flat.std(-1)], dim=-1)

    def forward(self, x: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch dim"]:
        return super().forward(2 * x - 1)

    def encode(self, artworks: list[Artwork]) -> Embedding:
        """One embedding per artwork, on the device and in the precision of the weights."""
        squares = torch.stack([as_square(artwork, self.config["size"]) for artwork in artworks])
        return Embedding(self(squares.to(next(self.parameters()))), self.space)


class PocketAudioEncoder(_Tower):
    """The audio tower: log-mel [B, T, bins] to [B, dim], unit norm, for any T of at least 128 frames.

    Pitch is kept when pooling over time, so that key and mode are preserved.

    Args:
        bins: mel bands; divisible by 2 ** (number of stages - 1).
        channels: width of each stage; the first divides time by 8 and pitch by 2, the others both by 2, the last only time.
        floor: natural logarithm of the lowest amplitude, mapped to -1.
        dim: width of the embedding.
        space: name of the joint space.
    """

    def __init__(self, bins: int, channels: list[int], floor: float, dim: int, space: str) -> None:
        strides = [(8, 2), *[(2, 2)] * (len(channels) - 2), (2, 1)]
        super().__init__(1, channels, strides, dim, rows=bins >> (len(channels) - 1))
        self.config: dict[str, Any] = {"bins": bins, "channels": channels, "floor": floor, "dim": dim, "space": space}
        self.space = space

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PocketAudioEncoder:
        return cls(config["bins"], config["channels"], config["floor"], config["dim"], config["space"])

    def _pool(self, x: Float[Tensor, "batch channels frames rows"]) -> Float[Tensor, "batch features"]:
        return torch.cat([x.mean(2), x.std(2)], dim=1).flatten(1)

    def forward(self, x: Float[Tensor, "batch frames bins"]) -> Float[Tensor, "batch dim"]:
        return super().forward((1 - 2 * x / self.config["floor"])[:, None])

    def encode(self, mel: Mel) -> Embedding:
        """One embedding per sound."""
        return Embedding(self(mel.values.to(next(self.parameters()))), self.space)


class PocketSoundEncoder(nn.Module):
    """The audio tower with the mel front end of its checkpoint, for waveforms of any rate.

    Args:
        tower: log-mel to embedding.
        grid: grid of the log-mel.
    """

    def __init__(self, tower: PocketAudioEncoder, grid: AudioGrid) -> None:
        super().__init__()
        self.tower, self.transform, self.space = tower, MelTransform(grid), tower.space

    def encode(self, waveform: Waveform) -> Embedding:
        """One unit-norm embedding per sound; its channels are averaged."""
        rate = self.transform.grid.sample_rate
        mono = resample(waveform.samples.float().mean(1), waveform.sample_rate, rate)
        return self.tower.encode(Mel(self.transform(mono.to(next(self.tower.parameters())))))
