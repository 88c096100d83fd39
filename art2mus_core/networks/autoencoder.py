"""The autoencoder of latent diffusion (Rombach et al. 2022), applied to spectrograms."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import CheckpointError
from .layers import Attention, Downsample, ResidualBlock, Upsample
from .options import check_blocks, completed

__all__ = ["Autoencoder", "Posterior"]

DEFAULTS: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ["DownEncoderBlock2D"],
    "up_block_types": ["UpDecoderBlock2D"],
    "block_out_channels": [64],
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 32,
}
"""diffusers' defaults."""

FIXED: dict[str, Any] = {
    "act_fn": "silu",
    "use_quant_conv": True,
    "use_post_quant_conv": True,
    "mid_block_add_attention": True,
    "shift_factor": None,
    "latents_mean": None,
    "latents_std": None,
}

EPS = 1e-6


@dataclass(frozen=True)
class Posterior:
    """A normal distribution for each element of a latent.

    Attributes:
        mean: [B, C, h, w].
        log_variance: the same shape, clamped to -30..20.
    """

    mean: Float[Tensor, "batch channels h w"]
    log_variance: Float[Tensor, "batch channels h w"]

    def sample(self, generator: torch.Generator | None = None) -> Float[Tensor, "batch channels h w"]:
        """Draw a latent. The noise is drawn on the generator's device, so a CPU generator gives the same latent everywhere."""
        device = self.mean.device if generator is None else generator.device
        return self.at(torch.randn(self.mean.shape, generator=generator, device=device, dtype=self.mean.dtype))

    def at(self, noise: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch channels h w"]:
        """The latent for given standard normal noise."""
        return self.mean + (0.5 * self.log_variance).exp() * noise.to(self.mean.device)

    def kl(self) -> Float[Tensor, " batch"]:
        """Kullback-Leibler divergence from the standard normal distribution, in nats per latent."""
        terms = self.mean.square() + self.log_variance.exp() - 1 - self.log_variance
        return 0.5 * terms.sum((1, 2, 3))


class SpatialAttention(Attention):
    """Single-head self-attention over all pixels, after a norm and with a residual connection."""

    exact = 4_000
    """Those of 30 s in the bundled autoencoder, and of 10 s in the published one."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__(channels, 1, channels, bias=True)
        self.group_norm = nn.GroupNorm(groups, channels, EPS)

    def forward(self, x: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch channels h w"]:  # type: ignore[override]
        pixels = self.group_norm(x.flatten(2)).transpose(1, 2)
        return super().forward(pixels).transpose(1, 2).reshape(x.shape) + x


class Middle(nn.Module):
    """Two residual blocks with attention between them, at the lowest resolution."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(_block(channels, channels, groups) for _ in range(2))
        self.attentions = nn.ModuleList([SpatialAttention(channels, groups)])

    def forward(self, x: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch channels h w"]:
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


def _block(inputs: int, outputs: int, groups: int) -> ResidualBlock:
    return ResidualBlock(inputs, outputs, time=0, groups=groups, eps=EPS)


def _stages(
    channels: Sequence[int], layers: int, groups: int, name: str, resample: Callable[[int], nn.Module]
) -> nn.Sequential:
    """One stage per resolution: residual blocks and, in all but the last stage, a resampler stored under `name`."""
    stages = nn.Sequential()
    for inputs, width in zip([channels[0], *channels[:-1]], channels, strict=True):
        blocks = [_block(inputs if layer == 0 else width, width, groups) for layer in range(layers)]
        stage = nn.Sequential(OrderedDict(resnets=nn.Sequential(*blocks)))
        if len(stages) < len(channels) - 1:
            stage.add_module(name, nn.Sequential(resample(width)))
        stages.append(stage)
    return stages


def _encoder(config: Mapping[str, Any]) -> nn.Sequential:
    """Spectrograms [B, channels, H, W] to mean and log-variance side by side, [B, 2 C, H / factor, W / factor]."""
    channels, groups = config["block_out_channels"], config["norm_num_groups"]
    return nn.Sequential(
        OrderedDict(
            conv_in=nn.Conv2d(config["in_channels"], channels[0], 3, padding=1),
            down_blocks=_stages(
                channels, config["layers_per_block"], groups, "downsamplers", partial(Downsample, even=False)
            ),
            mid_block=Middle(channels[-1], groups),
            conv_norm_out=nn.GroupNorm(groups, channels[-1], EPS),
            act=nn.SiLU(),
            conv_out=nn.Conv2d(channels[-1], 2 * config["latent_channels"], 3, padding=1),
        )
    )


def _decoder(config: Mapping[str, Any]) -> nn.Sequential:
    """Latents [B, C, h, w] to spectrograms [B, channels, h * factor, w * factor]."""
    channels, groups = config["block_out_channels"][::-1], config["norm_num_groups"]
    return nn.Sequential(
        OrderedDict(
            conv_in=nn.Conv2d(config["latent_channels"], channels[0], 3, padding=1),
            mid_block=Middle(channels[0], groups),
            up_blocks=_stages(channels, config["layers_per_block"] + 1, groups, "upsamplers", Upsample),
            conv_norm_out=nn.GroupNorm(groups, channels[-1], EPS),
            act=nn.SiLU(),
            conv_out=nn.Conv2d(channels[-1], config["out_channels"], 3, padding=1),
        )
    )


class Autoencoder(nn.Module):
    """Spectrograms [B, channels, H, W] to latents [B, C, H / factor, W / factor] and back.

    Args:
        config: the content of a `config.json` of diffusers' `AutoencoderKL`.

    Raises:
        CheckpointError: an option that no AudioLDM2 checkpoint uses.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = completed(config, "VAE", defaults=DEFAULTS, fixed=FIXED)
        check_blocks(self.config, "VAE", down=["DownEncoderBlock2D"], up=["UpDecoderBlock2D"])
        if self.config["in_channels"] != self.config["out_channels"]:
            raise CheckpointError(
                f"a VAE of {self.config['in_channels']} in_channels and {self.config['out_channels']} out_channels",
                "the same number, that of the sound's channels",
                "Use another checkpoint.",
            )
        latent = self.config["latent_channels"]
        self.encoder, self.decoder = _encoder(self.config), _decoder(self.config)
        self.quant_conv, self.post_quant_conv = nn.Conv2d(2 * latent, 2 * latent, 1), nn.Conv2d(latent, latent, 1)

    def encode(self, x: Float[Tensor, "batch inputs height width"]) -> Posterior:
        """The distribution of the latent of each spectrogram."""
        mean, log_variance = self.quant_conv(self.encoder(x)).chunk(2, dim=1)
        return Posterior(mean, log_variance.clamp(-30, 20))

    def decode(self, latent: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch outputs height width"]:
        """The spectrogram of each latent."""
        return self.decoder(self.post_quant_conv(latent))
