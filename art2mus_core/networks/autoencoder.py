"""The autoencoder of latent diffusion (Rombach et al. 2022), here over spectrograms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import CheckpointError
from .layers import Attention, Downsample, ResidualBlock, Upsample
from .options import completed

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
"""What diffusers takes where a configuration says nothing."""

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
    """A normal distribution for each number of a latent.

    Attributes:
        mean: [B, C, h, w].
        log_variance: of the same shape, clamped to -30..20.
    """

    mean: Float[Tensor, "batch channels h w"]
    log_variance: Float[Tensor, "batch channels h w"]

    def sample(self, generator: torch.Generator | None = None) -> Float[Tensor, "batch channels h w"]:
        """A latent drawn from it. A generator draws on its own device: one on the CPU gives the same latent everywhere."""
        place = self.mean.device if generator is None else generator.device
        return self.at(torch.randn(self.mean.shape, generator=generator, device=place, dtype=self.mean.dtype))

    def at(self, noise: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch channels h w"]:
        """The latent that standard normal noise leads to."""
        return self.mean + (0.5 * self.log_variance).exp() * noise.to(self.mean.device)

    def kl(self) -> Float[Tensor, " batch"]:
        """Its distance from the standard normal distribution, in nats a latent."""
        terms = self.mean.square() + self.log_variance.exp() - 1 - self.log_variance
        return 0.5 * terms.sum((1, 2, 3))


class SpatialAttention(Attention):
    """One head over all places, after a norm and with a residual connection."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__(channels, 1, channels, bias=True)
        self.group_norm = nn.GroupNorm(groups, channels, EPS)

    def forward(self, x: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch channels h w"]:  # type: ignore[override]
        row = self.group_norm(x.flatten(2)).transpose(1, 2)
        return super().forward(row).transpose(1, 2).reshape(x.shape) + x


class Middle(nn.Module):
    """Two residual blocks and attention between them, at the lowest resolution."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(_block(channels, channels, groups) for _ in range(2))
        self.attentions = nn.ModuleList([SpatialAttention(channels, groups)])

    def forward(self, x: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch channels h w"]:
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


class Stage(nn.Module):
    """Residual blocks of one resolution and, behind them, the way to the next."""

    def __init__(self, inputs: int, outputs: int, layers: int, groups: int, **resampler: nn.Module) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(
            _block(inputs if layer == 0 else outputs, outputs, groups) for layer in range(layers)
        )
        self.resampler = next(iter(resampler), None)
        for name, layer in resampler.items():
            self.add_module(name, nn.ModuleList([layer]))

    def forward(self, x: Float[Tensor, "batch inputs h w"]) -> Float[Tensor, "batch outputs height width"]:
        for block in self.resnets:
            x = block(x)
        return x if self.resampler is None else self.get_submodule(self.resampler)[0](x)  # type: ignore[index]


def _block(inputs: int, outputs: int, groups: int) -> ResidualBlock:
    return ResidualBlock(inputs, outputs, time=0, groups=groups, eps=EPS)


class Encoder(nn.Module):
    """Down to the latent's size; mean and log-variance side by side."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        channels, layers, groups = (
            config[key] for key in ("block_out_channels", "layers_per_block", "norm_num_groups")
        )
        self.conv_in = nn.Conv2d(config["in_channels"], channels[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            Stage(
                channels[max(0, place - 1)],
                width,
                layers,
                groups,
                **({} if place == len(channels) - 1 else {"downsamplers": Downsample(width, even=False)}),
            )
            for place, width in enumerate(channels)
        )
        self.mid_block = Middle(channels[-1], groups)
        self.conv_norm_out = nn.GroupNorm(groups, channels[-1], EPS)
        self.conv_out = nn.Conv2d(channels[-1], 2 * config["latent_channels"], 3, padding=1)

    def forward(self, x: Float[Tensor, "batch inputs height width"]) -> Float[Tensor, "batch moments h w"]:
        x = self.conv_in(x)
        for stage in self.down_blocks:
            x = stage(x)
        return self.conv_out(F.silu(self.conv_norm_out(self.mid_block(x))))


class Decoder(nn.Module):
    """Up from the latent's size."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        layers, groups = config["layers_per_block"] + 1, config["norm_num_groups"]
        channels = config["block_out_channels"][::-1]
        self.conv_in = nn.Conv2d(config["latent_channels"], channels[0], 3, padding=1)
        self.mid_block = Middle(channels[0], groups)
        self.up_blocks = nn.ModuleList(
            Stage(
                channels[max(0, place - 1)],
                width,
                layers,
                groups,
                **({} if place == len(channels) - 1 else {"upsamplers": Upsample(width)}),
            )
            for place, width in enumerate(channels)
        )
        self.conv_norm_out = nn.GroupNorm(groups, channels[-1], EPS)
        self.conv_out = nn.Conv2d(channels[-1], config["out_channels"], 3, padding=1)

    def forward(self, x: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch outputs height width"]:
        x = self.mid_block(self.conv_in(x))
        for stage in self.up_blocks:
            x = stage(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Autoencoder(nn.Module):
    """Pictures [B, channels, H, W] to latents [B, C, H / factor, W / factor] and back.

    Args:
        config: the content of a `config.json` of diffusers' `AutoencoderKL`.

    Raises:
        CheckpointError: an option that no checkpoint of AudioLDM2 uses.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = completed(config, "VAE", defaults=DEFAULTS, fixed=FIXED)
        for name, kind in (("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")):
            if list(self.config[name]) != [kind] * len(self.config["block_out_channels"]):
                raise CheckpointError(
                    f"a VAE with {name} {', '.join(map(str, self.config[name]))}",
                    f"{kind} for each of {len(self.config['block_out_channels'])} block_out_channels",
                    "Use another checkpoint.",
                )
        if self.config["in_channels"] != self.config["out_channels"]:
            raise CheckpointError(
                f"a VAE of {self.config['in_channels']} in_channels and {self.config['out_channels']} out_channels",
                "as many: the channels of the sound",
                "Use another checkpoint.",
            )
        latent = self.config["latent_channels"]
        self.encoder, self.decoder = Encoder(self.config), Decoder(self.config)
        self.quant_conv, self.post_quant_conv = nn.Conv2d(2 * latent, 2 * latent, 1), nn.Conv2d(latent, latent, 1)

    def encode(self, x: Float[Tensor, "batch inputs height width"]) -> Posterior:
        """What the latent of a picture may be."""
        mean, log_variance = self.quant_conv(self.encoder(x)).chunk(2, dim=1)
        return Posterior(mean, log_variance.clamp(-30, 20))

    def decode(self, latent: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch outputs height width"]:
        """The picture of a latent."""
        return self.decoder(self.post_quant_conv(latent))
