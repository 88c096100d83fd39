"""The discriminators that HiFi-GAN is trained against (Kong et al. 2020): of periods, and of scales (MelGAN, Kumar et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from .options import completed

__all__ = ["Discriminators", "Judged"]

DEFAULTS: dict[str, Any] = {"periods": [2, 3, 5, 7, 11], "scales": 3, "width": 32}
"""The published sizes; `width` is a multiple of 4."""

SLOPE = 0.1

Norm = Callable[[nn.Module], nn.Module]


class Judged(NamedTuple):
    """What a discriminator makes of sounds: scores, near 1 for true ones, and the activations of all its layers, scores last."""

    score: Float[Tensor, "batch places"]
    features: list[Tensor]


class _Discriminator(nn.Module):
    """Convolutions with leaky activations; the last one gives the scores."""

    def __init__(self, layers: list[nn.Module], norm: Norm) -> None:
        super().__init__()
        self.layers = nn.ModuleList(norm(layer) for layer in layers)

    def judged(self, x: Tensor) -> Judged:
        *layers, last = self.layers
        features = []
        for layer in layers:
            x = F.leaky_relu(layer(x), SLOPE)
            features.append(x)
        features.append(last(x))
        return Judged(features[-1].flatten(1), features)


class _Period(_Discriminator):
    """Sees every `period`-th sample in a row."""

    def __init__(self, period: int, width: int) -> None:
        channels = [1, width, 4 * width, 16 * width, 32 * width, 32 * width]
        strides = [3, 3, 3, 3, 1]
        layers: list[nn.Module] = [
            nn.Conv2d(before, after, (5, 1), (stride, 1), (2, 0))
            for before, after, stride in zip(channels[:-1], channels[1:], strides, strict=True)
        ]
        super().__init__([*layers, nn.Conv2d(channels[-1], 1, (3, 1), padding=(1, 0))], weight_norm)
        self.period = period

    def forward(self, x: Float[Tensor, "batch 1 samples"]) -> Judged:
        whole = F.pad(x, (0, -x.shape[-1] % self.period), "reflect")
        return self.judged(whole.unflatten(-1, (-1, self.period)))


class _Scale(_Discriminator):
    """Sees all samples."""

    def __init__(self, width: int, norm: Norm) -> None:
        shapes = (  # channels, kernel, stride, groups
            (4 * width, 15, 1, 1),
            (4 * width, 41, 2, 4),
            (8 * width, 41, 2, 16),
            (16 * width, 41, 4, 16),
            (32 * width, 41, 4, 16),
            (32 * width, 41, 1, 16),
            (32 * width, 5, 1, 1),
            (1, 3, 1, 1),
        )
        before = [1, *(channels for channels, *_ in shapes)]
        layers: list[nn.Module] = [
            nn.Conv1d(seen, channels, kernel, stride, padding=kernel // 2, groups=groups)
            for seen, (channels, kernel, stride, groups) in zip(before, shapes, strict=False)
        ]
        super().__init__(layers, norm)

    def forward(self, x: Float[Tensor, "batch 1 samples"]) -> Judged:
        return self.judged(x)


class Discriminators(nn.Module):
    """Sounds [B, N] to what each discriminator makes of them: one for each period, then one for each halved rate.

    Args:
        config: `periods`, `scales` and `width`.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = completed(config, "discriminator", defaults=DEFAULTS, fixed={})
        width = self.config["width"]
        self.periods = nn.ModuleList(_Period(period, width) for period in self.config["periods"])
        norms: list[Callable[[nn.Module], nn.Module]] = [spectral_norm, *[weight_norm] * (self.config["scales"] - 1)]
        self.scales = nn.ModuleList(_Scale(width, norm) for norm in norms)

    def forward(self, sound: Float[Tensor, "batch samples"]) -> list[Judged]:
        x = sound[:, None]
        found = [period(x) for period in self.periods]
        for place, scale in enumerate(self.scales):
            if place:
                x = F.avg_pool1d(x, 4, 2, padding=2)
            found.append(scale(x))
        return found
