"""A light autoencoder of mel spectrograms over time: one vector for several frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from .options import completed

__all__ = ["CodecDecoder", "CodecEncoder", "codec_factor"]

DEFAULTS: dict[str, Any] = {"latent_dim": 64, "dim": 160, "blocks": 2, "patch": 2, "halvings": 2}
"""`patch` frames are one vector at first; their number is then halved `halvings` times."""

KERNEL, WIDENING = 7, 2


def codec_factor(config: Mapping[str, Any]) -> int:
    """Mel frames for each latent vector."""
    return int(config["patch"]) * 2 ** int(config["halvings"])


class _Block(nn.Module):
    """ConvNeXt over time (Liu et al. 2022)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.near, self.norm = nn.Conv1d(dim, dim, KERNEL, padding=KERNEL // 2, groups=dim), nn.LayerNorm(dim)
        self.up, self.down = nn.Linear(dim, WIDENING * dim), nn.Linear(WIDENING * dim, dim)

    def forward(self, x: Float[Tensor, "batch frames dim"]) -> Float[Tensor, "batch frames dim"]:
        return x + self.down(F.gelu(self.up(self.norm(self.near(x.mT).mT))))


def _blocks(config: Mapping[str, Any]) -> nn.Sequential:
    return nn.Sequential(*(_Block(config["dim"]) for _ in range(config["blocks"])))


class CodecEncoder(nn.Module):
    """Normalised mel [B, T, bins] to mean and log-variance of latents, [B, T / factor, latent_dim] each.

    Args:
        config: the content of `codec_encoder/config.json`; the bins are those of its `mel`.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = completed(config, "mel codec", defaults=DEFAULTS, fixed={"model_type": "mel_codec"})
        dim, levels = self.config["dim"], self.config["halvings"]
        self.enter = nn.Linear(self.config["patch"] * self.config["mel"]["mel_bins"], dim)
        self.levels = nn.ModuleList(_blocks(self.config) for _ in range(1 + levels))
        self.halvings = nn.ModuleList(nn.Linear(2 * dim, dim) for _ in range(levels))
        self.leave = nn.Linear(dim, 2 * self.config["latent_dim"])

    def forward(
        self, mel: Float[Tensor, "batch frames bins"]
    ) -> tuple[Float[Tensor, "batch few latent_dim"], Float[Tensor, "batch few latent_dim"]]:
        """Mean and log-variance; T is a multiple of the factor."""
        x = self.levels[0](self.enter(_joined(mel, self.config["patch"])))
        for halve, level in zip(self.halvings, list(self.levels)[1:], strict=True):
            x = level(halve(_joined(x, 2)))
        mean, log_variance = self.leave(x).chunk(2, dim=-1)
        return mean, log_variance.clamp(-12, 4)


class CodecDecoder(nn.Module):
    """Latents [B, T / factor, latent_dim] to normalised mel [B, T, bins].

    Args:
        config: the content of `codec_decoder/config.json`.

    Attributes:
        mean: [latent_dim], of the encoder's means over the training music, in which the latents of diffusion are standardised.
        std: [latent_dim], likewise.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = completed(config, "mel codec", defaults=DEFAULTS, fixed={"model_type": "mel_codec"})
        dim, levels, self.bins = self.config["dim"], self.config["halvings"], self.config["mel"]["mel_bins"]
        self.enter = nn.Linear(self.config["latent_dim"], dim)
        self.levels = nn.ModuleList(_blocks(self.config) for _ in range(1 + levels))
        self.doublings = nn.ModuleList(nn.Linear(dim, 2 * dim) for _ in range(levels))
        self.leave = nn.Linear(dim, self.config["patch"] * self.bins)
        self.register_buffer("mean", torch.zeros(self.config["latent_dim"]))
        self.register_buffer("std", torch.ones(self.config["latent_dim"]))

    def forward(self, latent: Float[Tensor, "batch few latent_dim"]) -> Float[Tensor, "batch frames bins"]:
        x = self.levels[0](self.enter(latent))
        for double, level in zip(self.doublings, list(self.levels)[1:], strict=True):
            x = level(_parted(double(x), 2))
        return _parted(self.leave(x), self.config["patch"])


def _joined(x: Float[Tensor, "batch frames dim"], count: int) -> Float[Tensor, "batch few wide"]:
    """Each `count` frames as one."""
    return x.unflatten(1, (-1, count)).flatten(2)


def _parted(x: Float[Tensor, "batch few wide"], count: int) -> Float[Tensor, "batch frames dim"]:
    """Each frame as `count`."""
    return x.unflatten(2, (count, -1)).flatten(1, 2)
