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

ROWS = 512
"""Bytes of a column of those scores that a thread has in memory at once: with 1,000 keys these fit into a core's second cache."""


class Linear(nn.Linear):
    """A linear layer; a `quick` one computes float32 by oneDNN on x86 where nothing is differentiated.

    The result differs from torch's own in the last bits, see :func:`hasten`.
    """

    quick = False

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        if self.quick and x.dtype == self.weight.dtype == torch.float32 and _alone(x):
            return _by_onednn(x, self.weight, self.bias)
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
    """Self-attention one head at a time, some queries after the others; its products are oneDNN's, those of torch's fused kernel MKL's."""
    heads = [part.contiguous().flatten(0, 1) for part in (query, key * key.shape[-1] ** -0.5, value.transpose(-1, -2))]
    attended, rows = torch.empty_like(heads[0]), ROWS * torch.get_num_threads() // query.itemsize
    product = _by_onednn if query.dtype == torch.float32 else F.linear
    for queries, keys, values, out in zip(*heads, attended, strict=True):
        for some, there in zip(queries.split(rows), out.split(rows), strict=True):
            there.copy_(product(product(some, keys).softmax(-1), values))
    return attended.unflatten(0, query.shape[:2])


def by_heads(query: Tensor, exact: int) -> bool:
    """Whether :func:`attend_by_heads` is the faster way for self-attention with these queries; compilers have their own.

    Args:
        query: [B, heads, length, width].
        exact: longest that keeps the bits of torch's kernel in float32.
    """
    least = {torch.bfloat16: ROWS // 2, torch.float32: exact + 1}.get(query.dtype)
    return least is not None and query.shape[2] >= least and _alone(query) and not torch.compiler.is_compiling()


def _by_onednn(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")  # noqa: SLF001
    return product


def _alone(x: Tensor) -> bool:
    """Whether oneDNN may compute with a tensor: on an x86 processor, nothing differentiated."""
    return ONEDNN and x.device.type == "cpu" and not torch.is_grad_enabled()
