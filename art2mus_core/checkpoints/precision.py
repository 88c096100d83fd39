"""Number formats that a device computes in natively."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["imitates", "stays"]

INSTRUCTIONS = {
    torch.bfloat16: ("avx512_bf16", "amx_bf16"),
    torch.float16: ("avx512_fp16", "amx_fp16"),
}
"""Processor extensions for each half-precision format, by torch's names."""

FIRST_WITH_BFLOAT16 = (8, 0)
"""First CUDA compute capability with native bfloat16."""


def imitates(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether a device emulates a number format, as far as is known.

    It then converts every number to float32 and back, which takes many times as long as float32 itself.
    """
    if device.type == "cuda":
        return dtype == torch.bfloat16 and torch.cuda.get_device_capability(device) < FIRST_WITH_BFLOAT16
    if device.type != "cpu" or dtype not in INSTRUCTIONS:
        return False
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return not any(capabilities.get(name) for name in INSTRUCTIONS[dtype])


def stays(own: torch.dtype, dtype: torch.dtype, *, stored: bool) -> bool:
    """Whether a tensor is used as it is: whole numbers, those of the precision `dtype`, and weights that a network converts itself.

    Args:
        own: the tensor's precision.
        dtype: the network's.
        stored: whether the network converts it as it computes; it is kept only where that saves memory.
    """
    return not own.is_floating_point or own == dtype or (stored and own.itemsize < dtype.itemsize)
