"""AudioLDM2's UNet (Liu et al. 2024), conditioned on a language of audio and, in published checkpoints, on text.

A level with attention has one transformer for each entry of its list of widths, applied in order. A null entry is self-attention; the
other entries attend to the language of audio if they are the first or second, and to the text if they come later.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import CheckpointError
from .options import DEEPEST, check_blocks, completed
from .products import Linear, hasten
from .stages import Conditioning, DownStage, Level, MiddleStage, Sizes, UpStage

__all__ = ["UNet"]

DEFAULTS: dict[str, Any] = {
    "in_channels": 4,
    "out_channels": 4,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
    "block_out_channels": [320, 640, 1280, 1280],
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "norm_eps": 1e-5,
    "cross_attention_dim": 1280,
    "transformer_layers_per_block": 1,
    "attention_head_dim": 8,
    "use_linear_projection": False,
    "conv_in_kernel": 3,
    "conv_out_kernel": 3,
}
"""diffusers' defaults."""

FIXED: dict[str, Any] = {
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "only_cross_attention": False,
    "downsample_padding": 1,
    "mid_block_scale_factor": 1,
    "act_fn": "silu",
    "num_attention_heads": None,
    "class_embed_type": None,
    "num_class_embeds": None,
    "upcast_attention": False,
    "resnet_time_scale_shift": "default",
    "time_embedding_type": "positional",
    "time_embedding_dim": None,
    "time_embedding_act_fn": None,
    "timestep_post_act": None,
    "time_cond_proj_dim": None,
    "projection_class_embeddings_input_dim": None,
    "class_embeddings_concat": False,
}

LEVELED = ("layers_per_block", "attention_head_dim", "transformer_layers_per_block", "cross_attention_dim")
"""Options that are one value for all levels, or a list."""

ATTENDING = ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D")
MASKED = -10000.0
"""Attention bias of masked states."""


class UNet(nn.Module):
    """Predicts the noise in a latent, or its velocity.

    Args:
        config: the content of a `config.json` of diffusers' `AudioLDM2UNet2DConditionModel`.

    Raises:
        CheckpointError: an option that no AudioLDM2 checkpoint uses.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = completed(config, "UNet", defaults=DEFAULTS, fixed=FIXED, leveled=LEVELED)
        levels, channels = _levels(self.config), self.config["block_out_channels"]
        groups, eps = self.config["norm_num_groups"], self.config["norm_eps"]
        sizes = Sizes(4 * channels[0], groups, eps, self.config["use_linear_projection"])
        into, out = self.config["conv_in_kernel"], self.config["conv_out_kernel"]
        self.conv_in = nn.Conv2d(self.config["in_channels"], channels[0], into, padding=into // 2)
        self.time_embedding = nn.Sequential(
            OrderedDict(
                linear_1=Linear(channels[0], sizes.time),
                act=nn.SiLU(),
                linear_2=Linear(sizes.time, sizes.time),
            )
        )
        before = [channels[0], *channels[:-1]]
        self.down_blocks = nn.ModuleList(
            DownStage(inputs, level, sizes, attends=kind in ATTENDING, last=level is levels[-1])
            for inputs, level, kind in zip(before, levels, self.config["down_block_types"], strict=True)
        )
        self.mid_block = MiddleStage(levels[-1], sizes)
        upwards = zip([channels[-1], *channels[:0:-1]], before[::-1], levels[::-1], strict=True)
        self.up_blocks = nn.ModuleList(
            UpStage(inputs, kept, level, sizes, attends=kind in ATTENDING, last=level is levels[0])
            for (inputs, kept, level), kind in zip(upwards, self.config["up_block_types"], strict=True)
        )
        self.conv_norm_out = nn.GroupNorm(groups, channels[0], eps)
        self.conv_out = nn.Conv2d(channels[0], self.config["out_channels"], out, padding=out // 2)
        hasten(self)

    @property
    def checkpointing(self) -> bool:
        """Whether activations of residual blocks and their transformers are computed again in the backward pass, not kept."""
        return self.mid_block.checkpointing

    @checkpointing.setter
    def checkpointing(self, value: bool) -> None:
        for stage in (*self.down_blocks, self.mid_block, *self.up_blocks):
            stage.checkpointing = value

    def forward(
        self,
        x: Float[Tensor, "batch channels frames rows"],
        t: Tensor,
        language: Float[Tensor, "batch length width"],
        text: Float[Tensor, "batch tokens text_width"] | None = None,
        text_mask: Float[Tensor, "batch tokens"] | Bool[Tensor, "batch tokens"] | None = None,
    ) -> Float[Tensor, "batch outputs frames rows"]:
        """The prediction for each latent.

        Args:
            x: noisy latents.
            t: the timestep, one for all latents or one per latent.
            language: the language of audio.
            text: text states, if the checkpoint has attention to text.
            text_mask: 1 for states to attend to, 0 for padding.
        """
        bias = None if text_mask is None else ((1 - text_mask.to(x.dtype)) * MASKED)[:, None, None]
        conditioning = Conditioning(language, text, bias)
        time = self.time_embedding(self._waves(t.to(x.device).expand(len(x))).to(x.dtype))
        kept = [self.conv_in(x)]
        for down in self.down_blocks:
            kept += down(kept[-1], time, conditioning)
        x = self.mid_block(kept[-1], time, conditioning)
        for up in self.up_blocks:
            x = up(x, time, conditioning, kept)
        return self.conv_out(F.silu(self.conv_norm_out(x)))

    def _waves(self, t: Tensor) -> Float[Tensor, "batch width"]:
        """Sinusoidal embedding with frequencies from 1 down to 1/10000 (Vaswani et al. 2017), in float32."""
        width, shift = self.config["block_out_channels"][0], self.config["freq_shift"]
        half = width // 2
        exponents = -math.log(10000) * torch.arange(half, dtype=torch.float32, device=t.device) / (half - shift)
        phases = t[:, None].float() * exponents.exp()
        waves = [phases.cos(), phases.sin()] if self.config["flip_sin_to_cos"] else [phases.sin(), phases.cos()]
        return F.pad(torch.cat(waves, dim=-1), (0, width % 2))


def _levels(config: Mapping[str, Any]) -> list[Level]:
    """The levels from the highest resolution to the lowest.

    Raises:
        CheckpointError: lists of different lengths, an unknown block type, or a number out of range.
    """
    check_blocks(config, "UNet", down=("DownBlock2D", ATTENDING[0]), up=("UpBlock2D", ATTENDING[1]))
    channels = config["block_out_channels"]
    count = len(channels)
    columns = [value if isinstance(value := config[name], (list, tuple)) else [value] * count for name in LEVELED]
    if any(len(column) != count for column in columns):
        found = ", ".join(f"{len(column)} {name}" for name, column in zip(LEVELED, columns, strict=True))
        raise CheckpointError(f"a UNet with {found}", f"{count} of each, one per level", "Use another checkpoint.")
    for name, column in zip(LEVELED[:3], columns, strict=False):
        if any(type(each) is not int or not 1 <= each <= DEEPEST for each in column):
            raise CheckpointError(
                f"a UNet with {name} {config[name]!r}", f"whole numbers from 1 to {DEEPEST}", "Use another checkpoint."
            )
    return [
        Level(width, layers, heads, depth, list(attended) if isinstance(attended, (list, tuple)) else [attended])
        for width, layers, heads, depth, attended in zip(channels, *columns, strict=True)
    ]
