"""The denoiser of Art2Music's mel decoder by diffusion: a small transformer over the frames of a latent (after DiT, Peebles & Xie 2023)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from .options import completed

__all__ = ["MelTransformer"]

DEFAULTS: dict[str, Any] = {
    "latent_dim": 64,
    "metre_dim": 16,
    "fused_dim": 192,
    "dim": 160,
    "layers": 6,
    "heads": 4,
    "bands": 8,
    "max_frames": 800,
}
KEYS, PARTS = 24, 6
"""Major and minor keys; shift, scale and gate of attention and of the feed-forward network."""

WAVES, SLOWEST_WAVE, KERNEL = 32, 1000.0, 5
"""Sinusoids that encode the timestep, the ratio of their periods, and the frames that each token mixes before attention."""

LONGEST = 200.0
"""Frames in which the slowest rotation of positions turns by one radian."""


class MelTransformer(nn.Module):
    """Noisy latents to the noise or velocity in them, one token for each frame.

    The timestep, the fused embedding, the key and the band shift and scale the tokens of every block; the weights of these are shared by
    the blocks, each of which adds numbers of its own (PixArt, Chen et al. 2023). Positions rotate queries and keys (Su et al. 2021), so
    the number of frames is free.

    Args:
        config: the content of `mel_decoder/config.json`.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = completed(config, "mel transformer", defaults=DEFAULTS, fixed={"model_type": "diffusion"})
        latent, metre, fused, dim, layers, heads, bands, _ = (self.config[size] for size in DEFAULTS)
        self.enter = nn.Linear(latent + metre, dim)
        self.time = nn.Sequential(nn.Linear(2 * WAVES, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.fused = nn.Sequential(nn.Linear(fused, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.key, self.band = nn.Embedding(1 + KEYS, dim), nn.Embedding(1 + bands, dim)
        self.modulation = nn.Linear(dim, PARTS * dim)
        self.blocks = nn.ModuleList(_Block(dim, heads) for _ in range(layers))
        self.leave = nn.Linear(dim, latent)
        for layer in (self.modulation, self.leave):
            nn.init.zeros_(layer.weight)

    def forward(
        self,
        x: Float[Tensor, "batch frames latent_dim"],
        t: Float[Tensor, " batch"],
        fused: Float[Tensor, "batch fused_dim"],
        metre: Float[Tensor, "batch frames metre_dim"],
        played: Int[Tensor, "2 batch"],
    ) -> Float[Tensor, "batch frames latent_dim"]:
        """The prediction.

        Args:
            x: noisy latents.
            t: timestep as a share of the noise, 0 to 1.
            fused: embeddings of artwork and comment.
            metre: the phase of every frame in beats, bars and phrases; zeros for music without metre.
            played: keys, then bands; -1 where there is none.
        """
        waves = torch.exp(torch.linspace(0, math.log(SLOWEST_WAVE), WAVES, device=x.device))
        angles = t[:, None] * waves
        known = self.time(torch.cat([angles.sin(), angles.cos()], dim=-1).to(x)) + self.fused(fused)
        known = known + self.key(played[0] + 1) + self.band(played[1] + 1)
        parts = self.modulation(F.silu(known)).unflatten(-1, (PARTS, 1, -1))
        tokens = self.enter(torch.cat([x, metre], dim=-1))
        turns = _turns(x, self.config["dim"] // self.config["heads"])
        for block in self.blocks:
            tokens = block(tokens, parts, turns)
        return self.leave(F.layer_norm(tokens, tokens.shape[-1:]))


class _Block(nn.Module):
    """Attention beside a convolution over neighbouring frames, then a feed-forward network."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.near = nn.Conv1d(dim, dim, KERNEL, padding=KERNEL // 2, groups=dim)
        self.attend, self.join = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.own = nn.Parameter(torch.zeros(PARTS, 1, dim))
        for layer in (self.join, self.down):
            nn.init.zeros_(layer.weight)

    def forward(
        self,
        x: Float[Tensor, "batch frames dim"],
        parts: Float[Tensor, "batch parts 1 dim"],
        turns: tuple[Tensor, Tensor],
    ) -> Float[Tensor, "batch frames dim"]:
        shift, scale, gate, shift_after, scale_after, gate_after = (parts + self.own).unbind(1)
        seen = F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift
        seen = seen + self.near(seen.mT).mT
        query, key, value = self.attend(seen).unflatten(-1, (3, self.heads, -1)).movedim(1, 3).unbind(1)
        attended = F.scaled_dot_product_attention(_turned(query, turns), _turned(key, turns), value)
        x = x + (1 + gate) * self.join(attended.transpose(1, 2).flatten(2))
        seen = F.layer_norm(x, x.shape[-1:]) * (1 + scale_after) + shift_after
        return x + (1 + gate_after) * self.down(F.gelu(self.up(seen)))


def _turns(x: Float[Tensor, "batch frames _d"], width: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines [frames, width / 2] of the rotations of positions."""
    rates = torch.exp(-torch.linspace(0, math.log(LONGEST), width // 2, device=x.device))
    angles = torch.arange(x.shape[1], device=x.device)[:, None] * rates
    return angles.cos().to(x), angles.sin().to(x)


def _turned(
    heads: Float[Tensor, "batch heads frames width"], turns: tuple[Tensor, Tensor]
) -> Float[Tensor, "batch heads frames width"]:
    cosine, sine = turns
    one, other = heads.chunk(2, dim=-1)
    return torch.cat([one * cosine - other * sine, one * sine + other * cosine], dim=-1)
