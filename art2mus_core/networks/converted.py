"""Weights that stay in the precision of their file, and are converted while a network computes."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.func import functional_call

__all__ = ["run_converted"]


def run_converted(blocks: Iterable[nn.Module], x: Tensor) -> Tensor:
    """The output of equal blocks, one after the other, in the precision of `x`.

    The weights of a block in another precision are converted for its turn, all into the same memory: new memory for each block would
    take nine times as long as the conversion.
    """
    spare: dict[str, Tensor] = {}
    for block in blocks:
        stored = dict(block.named_parameters())
        if all(weight.dtype == x.dtype for weight in stored.values()):
            x = block(x)
            continue
        for name, weight in stored.items():
            if name not in spare:
                spare[name] = torch.empty_like(weight, dtype=x.dtype)
            spare[name].copy_(weight)
        x = functional_call(block, spare, (x,))
    return x
