"""Where the networks compute, and in which precision: the command line's memory policy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ..errors import SettingError
from ..pipelines.diffusion import Resident

__all__ = ["choose_device", "choose_precision", "visiting"]

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str) -> torch.device:
    """`auto` is CUDA, else Apple's GPU, else the CPU; anything else is a device of torch.

    Raises:
        SettingError: no such device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise SettingError(
            f"the device {name!r} is not to be had here", "auto, cpu, cuda or mps", "Leave --device at auto."
        ) from error
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """`auto` is float16 on a GPU, bfloat16 on a CPU that computes in it, which takes half the time, and float32 on others.

    Raises:
        SettingError: unknown name.
    """
    if name == "auto":
        if device.type != "cpu":
            return torch.float16
        return torch.bfloat16 if _has_bfloat16() else torch.float32
    if name not in PRECISIONS:
        raise SettingError(f"precision {name!r}", f"auto or one of {', '.join(PRECISIONS)}", "Check the name.")
    return PRECISIONS[name]


def _has_bfloat16() -> bool:
    """Whether this CPU multiplies in bfloat16; others imitate it, slower than float32."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))


def visiting(device: torch.device) -> Resident:
    """A policy: every network goes to `device` when it is first needed and stays there."""

    @contextmanager
    def resident(network: nn.Module) -> Iterator[Any]:
        yield network.to(device)

    return resident
