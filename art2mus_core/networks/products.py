"""Matrix products by oneDNN on x86 processors, where torch leaves float32 to MKL; on one of AMD that took twice as long."""

from __future__ import annotations

import platform

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Linear", "attend_by_heads", "by_heads", "hasten"]

LARGE = 100_000_000
"""Weights from which a network's products may round in another way to be faster. Smaller ones keep the bits of their music."""

ONEDNN = platform.machine().lower() in ("x86_64", "amd64") and torch.backends.mkldnn.is_available()
"""Whether this is an x86 processor and torch was built with oneDNN."""

ROWS = 256
"""Queries whose scores are in memory at once: with 1,000 keys these fit into a processor's second cache."""


class Linear(nn.Linear):
    """A linear layer; a `quick` one computes float32 by oneDNN on x86 where nothing is differentiated.

    The result differs from torch's own in the last bits, see :func:`hasten`.
    """

    quick = False

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        if self.quick and x.dtype == self.weight.dtype == torch.float32 and _alone(x):
            product: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")  # noqa: SLF001
            return product
        return super().forward(x)


def hasten(network: nn.Module) -> None:
    """Make the linear layers of a network quick if it is large."""
    if sum(weight.numel() for weight in network.parameters()) < LARGE:
        return
    for part in network.modules():
        if isinstance(part, Linear):
            part.quick = True


def attend_by_heads(
    query: Float[Tensor, "batch heads length width"],
    key: Float[Tensor, "batch heads length width"],
    value: Float[Tensor, "batch heads length width"],
) -> Float[Tensor, "batch heads length width"]:
    """Self-attention one head at a time; in bfloat16 its products are oneDNN's, while those of torch's fused kernel are MKL's."""
    heads = [part.contiguous().flatten(0, 1) for part in (query, key * key.shape[-1] ** -0.5, value.transpose(-1, -2))]
    attended = torch.empty_like(heads[0])
    for queries, keys, values, out in zip(*heads, attended, strict=True):
        for some, there in zip(queries.split(ROWS), out.split(ROWS), strict=True):
            there.copy_(F.linear(F.linear(some, keys).softmax(-1), values))
    return attended.unflatten(0, query.shape[:2])


def by_heads(query: Tensor) -> bool:
    """Whether :func:`attend_by_heads` is the faster way for self-attention with these queries; compilers have their own."""
    long = query.dtype == torch.bfloat16 and query.shape[2] >= ROWS
    return long and _alone(query) and not torch.compiler.is_compiling()


def _alone(x: Tensor) -> bool:
    """Whether oneDNN may compute with a tensor: on an x86 processor, nothing differentiated."""
    return ONEDNN and x.device.type == "cpu" and not torch.is_grad_enabled()
