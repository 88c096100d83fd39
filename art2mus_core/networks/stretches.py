"""The autoencoder's decoder in little memory: one layer after the other, each in stretches of its rows.

Only what goes into a layer and what comes out of it are whole tensors. Norm, activation, upsampling and the copies in the layout of the
convolutions exist for a stretch at a time, which fits into a processor's cache, and whose memory is used again; whole tensors of a long
piece are memory that the system has to fill with zeros for each layer. The norms have the statistics of the whole piece.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from .autoencoder import Autoencoder

__all__ = ["decoded"]

STRETCH = 400_000
"""Numbers of a stretch on a processor: 1.6 MB in float32."""

ON_CARDS = 64
"""Such stretches that are one on another device: it computes few numbers no faster."""

REACH = 1
"""Rows to either side on which a row of a convolution depends."""


@torch.no_grad()
def decoded(
    vae: Autoencoder, latent: Float[Tensor, "batch channels h w"]
) -> Float[Tensor, "batch outputs height width"]:
    """What :meth:`.Autoencoder.decode` computes, except for rounding; nothing is differentiated.

    With oneDNN on x86 the results are equal bit for bit, as long as a convolution computes a number in the same way for any number
    of rows.
    """
    decoder: Any = vae.decoder
    x = decoder.mid_block(decoder.conv_in(vae.post_quant_conv(latent)))  # of the latent's size, which is small
    for stage in decoder.up_blocks:
        for block in stage.resnets:
            x = _residual(block, x)
        if hasattr(stage, "upsamplers"):
            x = _upsampled(stage.upsamplers[0], x)
    normed = _norm(decoder.conv_norm_out, x)
    return _by_stretches(lambda rows: decoder.conv_out(normed(x[:, :, rows])), x, decoder.conv_out.out_channels)


def _residual(block: Any, x: Tensor) -> Tensor:  # noqa: ANN401
    """As :class:`~art2mus_core.networks.layers.ResidualBlock` without a time embedding."""
    before = _norm(block.norm1, x)
    hidden = _by_stretches(lambda rows: block.conv1(before(x[:, :, rows])), x, block.conv1.out_channels)
    between = _norm(block.norm2, hidden)

    def run(rows: slice) -> Tensor:
        part = x[:, :, rows]
        kept = part if block.conv_shortcut is None else block.conv_shortcut(part)
        return block.conv2(between(hidden[:, :, rows])).add_(kept)

    return _by_stretches(run, x, hidden.shape[1])


def _upsampled(layer: Any, x: Tensor) -> Tensor:  # noqa: ANN401
    return _by_stretches(lambda rows: layer(x[:, :, rows]), x, x.shape[1], rate=2)


def _norm(norm: nn.GroupNorm, x: Float[Tensor, "batch channels h w"]) -> Callable[[Tensor], Tensor]:
    """The norm with the statistics of all of `x`, and SiLU, as a function of some of its rows."""
    batch, channels, height, width = x.shape
    size = channels // norm.num_groups
    groups, found = x.unflatten(1, (norm.num_groups, size)), []
    for some in groups.chunk(_count(x, norm.num_groups), dim=1):  # what is normed is a tensor, too
        shape = batch, some.shape[1] * size, height * width, some.shape[1]
        values = some.float().flatten(1, 2).contiguous()
        found.append(torch.native_group_norm(values, None, None, *shape, norm.eps)[1:])
    mean, deviation = (torch.cat(parts, dim=1).repeat_interleave(size, dim=1) for parts in zip(*found, strict=True))
    scale = deviation * norm.weight.float()
    shift = torch.addcmul(norm.bias.float(), scale, mean, value=-1)
    scale, shift = scale[:, :, None, None], shift[:, :, None, None]
    return lambda rows: F.silu(torch.addcmul(shift, rows, scale).to(x.dtype), inplace=True)


def _by_stretches(run: Callable[[slice], Tensor], x: Tensor, channels: int, rate: int = 1) -> Tensor:
    """The result of a layer whose input are rows of `x`, with so many channels, and `rate` rows and columns for each of these."""
    batch, _, height, width = x.shape
    count = _count(x, height, rate)
    bounds = [height * each // count for each in range(count + 1)]  # stretches of one size: convolutions depend on it
    whole = x.new_empty((batch, channels, height * rate, width * rate))
    for start, stop in pairwise(bounds):
        first, end = max(0, start - REACH), min(height, stop + REACH)
        made = run(slice(first, end))[:, :, (start - first) * rate : (stop - first) * rate]
        whole[:, :, start * rate : stop * rate] = made
    return whole


def _count(x: Tensor, most: int, rate: int = 1) -> int:
    """How many stretches, at most as many as given, there are of what becomes `rate` times as high and wide."""
    size = STRETCH if x.device.type == "cpu" else ON_CARDS * STRETCH
    return max(1, min(most, x.numel() * rate * rate // size))
