"""Where the networks compute, and in which precision."""

from __future__ import annotations

import sys

import torch

from ..checkpoints.precision import imitates
from ..errors import SettingError

__all__ = ["choose_device", "choose_precision", "tell_if_imitated"]

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

    A format that the device only imitates is said before it is used.

    Raises:
        SettingError: unknown name.
    """
    if name == "auto":
        if device.type != "cpu":
            return torch.float16
        return torch.float32 if imitates(device, torch.bfloat16) else torch.bfloat16
    if name not in PRECISIONS:
        raise SettingError(f"precision {name!r}", f"auto or one of {', '.join(PRECISIONS)}", "Check the name.")
    tell_if_imitated(PRECISIONS[name], device, "--precision float32")
    return PRECISIONS[name]


def tell_if_imitated(dtype: torch.dtype, device: torch.device, remedy: str) -> None:
    """One line on standard error, if the device is not known to compute in a number format that was asked for."""
    if imitates(device, dtype):
        name = str(dtype).removeprefix("torch.")
        sys.stderr.write(
            f"art2mus: this {device.type} is not known to compute in {name}; imitating it takes 20 times as long as "
            f"float32, or longer. Faster: {remedy}\n"
        )
