"""GPT-2 (Radford et al. 2019) without its token embedding and head: input embeddings to last hidden states."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import CheckpointError
from .options import completed

__all__ = ["GPT2", "Cache"]

DEFAULTS: dict[str, Any] = {
    "n_positions": 1024,
    "n_embd": 768,
    "n_layer": 12,
    "n_head": 12,
    "n_inner": None,
    "resid_pdrop": 0.1,
    "embd_pdrop": 0.1,
    "attn_pdrop": 0.1,
    "layer_norm_epsilon": 1e-5,
    "initializer_range": 0.02,
}
"""transformers' defaults."""

FIXED: dict[str, Any] = {
    "activation_function": "gelu_new",
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "reorder_and_upcast_attn": False,
    "add_cross_attention": False,
}

Cache = list[tuple[Tensor, Tensor]]
"""Keys and values of the previous inputs, [B, heads, length, head] each, one pair per layer."""


class Affine(nn.Module):
    """A linear layer with its weight stored as [inputs, outputs], as in GPT-2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(inputs, outputs)), nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Float[Tensor, "batch length inputs"]) -> Float[Tensor, "batch length outputs"]:
        return torch.addmm(self.bias, x.flatten(0, 1), self.weight).unflatten(0, x.shape[:2])


class CausalAttention(nn.Module):
    """Multi-head self-attention to earlier positions and the current one."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width = config["n_embd"]
        self.heads, self.dropout = config["n_head"], config["attn_pdrop"]
        self.c_attn, self.c_proj = Affine(width, 3 * width), Affine(width, width)
        self.output_dropout = nn.Dropout(config["resid_pdrop"])

    def forward(
        self, x: Float[Tensor, "batch length width"], mask: Tensor | None, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Float[Tensor, "batch length width"], tuple[Tensor, Tensor]]:
        query, key, value = (
            each.unflatten(2, (self.heads, -1)).transpose(1, 2) for each in self.c_attn(x).chunk(3, dim=2)
        )
        if past is not None:
            key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
        attended = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=mask is None and x.shape[1] > 1,
        )
        return self.output_dropout(self.c_proj(attended.transpose(1, 2).flatten(2))), (key, value)


class FeedForward(nn.Module):
    """Two layers with GELU between them, in the tanh approximation that GPT-2 was trained with."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width = config["n_embd"]
        hidden = config["n_inner"] or 4 * width
        self.c_fc, self.c_proj = Affine(width, hidden), Affine(hidden, width)
        self.dropout = nn.Dropout(config["resid_pdrop"])

    def forward(self, x: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch length width"]:
        hidden = self.c_fc(x)
        gate = 1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (hidden + 0.044715 * torch.pow(hidden, 3.0)))
        return self.dropout(self.c_proj(0.5 * hidden * gate))


class Block(nn.Module):
    """Attention and a feed-forward network, each after a norm and with a residual connection."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, eps = config["n_embd"], config["layer_norm_epsilon"]
        self.ln_1, self.ln_2 = nn.LayerNorm(width, eps), nn.LayerNorm(width, eps)
        self.attn, self.mlp = CausalAttention(config), FeedForward(config)

    def forward(
        self, x: Float[Tensor, "batch length width"], mask: Tensor | None, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Float[Tensor, "batch length width"], tuple[Tensor, Tensor]]:
        attended, kept = self.attn(self.ln_1(x), mask, past)
        x = attended + x
        return x + self.mlp(self.ln_2(x)), kept


class GPT2(nn.Module):
    """Input embeddings [B, L, W] to the last hidden states.

    Args:
        config: the content of a `config.json` of transformers' `GPT2Model`.

    Raises:
        CheckpointError: an option that no AudioLDM2 checkpoint uses, or heads that don't divide the width.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = completed(config, "GPT-2", defaults=DEFAULTS, fixed=FIXED)
        width, heads = self.config["n_embd"], self.config["n_head"]
        if width % heads:
            raise CheckpointError(
                f"a GPT-2 of width {width} with {heads} heads", "heads that divide the width", "Use another checkpoint."
            )
        self.wpe = nn.Embedding(self.config["n_positions"], width)
        self.dropout = nn.Dropout(self.config["embd_pdrop"])
        self.h = nn.ModuleList(Block(self.config) for _ in range(self.config["n_layer"]))
        self.ln_f = nn.LayerNorm(width, self.config["layer_norm_epsilon"])
        self._initialise()

    def forward(
        self, inputs: Float[Tensor, "batch length width"], mask: Bool[Tensor, "batch total"], past: Cache | None = None
    ) -> tuple[Float[Tensor, "batch length width"], Cache]:
        """The hidden states of `inputs`, and the cache extended by them.

        Args:
            inputs: the positions after those of the cache.
            mask: false for positions of the cache and the inputs that must not be attended to; they are counted all the same.
            past: the cache returned by the previous call.
        """
        before = past[0][0].shape[2] if past else 0
        length = inputs.shape[1]
        places = torch.arange(before, before + length, device=inputs.device)
        hidden, allowed, cache = self.dropout(inputs + self.wpe(places)), _allowed(mask, length), []
        for place, block in enumerate(self.h):
            hidden, kept = block(hidden, allowed, past[place] if past else None)
            cache.append(kept)
        return self.ln_f(hidden), cache

    def _initialise(self) -> None:
        """GPT-2's initialisation; the projections into the residual stream are scaled down by its number of additions."""
        spread = self.config["initializer_range"]
        for name, weight in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.normal_(weight, std=spread / math.sqrt(2 * self.config["n_layer"]))
            elif name.endswith("weight") and ".ln_" not in f".{name}":
                nn.init.normal_(weight, std=spread)


def _allowed(mask: Bool[Tensor, "batch total"], length: int) -> Bool[Tensor, "batch 1 length total"] | None:
    """The attention mask, or None where plain causal attention gives the same result."""
    total = mask.shape[1]
    if length in (1, total) and mask.all():
        return None
    order = torch.ones(length, total, dtype=torch.bool, device=mask.device).tril(total - length)
    allowed = order & mask[:, None, None]
    # Padding before the first valid input has nothing to attend to, and softmax would give NaN; its output is never used.
    return allowed | ~allowed.any(-1, keepdim=True)
