"""Number formats that a device computes in natively."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["holds", "imitates"]

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


def holds(dtype: torch.dtype, stored: torch.dtype) -> bool:
    """Whether weights may stay as they are stored for a network that computes in `dtype`: they are the same, or take less memory."""
    return stored == dtype or stored.itemsize < dtype.itemsize
