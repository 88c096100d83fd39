"""Choose the device on which networks compute, and their number format."""

from __future__ import annotations

import torch

from ..checkpoints.precision import imitates
from ..errors import SettingError
from .streams import notify

__all__ = ["REMEDY", "choose_device", "choose_precision", "warn_if_emulated"]

REMEDY = "--precision float32"

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str) -> torch.device:
    """The device of a name; `auto` is CUDA, else Apple's GPU, else the CPU.

    Raises:
        SettingError: this machine has no such device.
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
            f"the device {name!r} is not available here", "auto, cpu, cuda or mps", "Leave --device at auto."
        ) from error
    return device


def choose_precision(name: str, device: torch.device, *, warned: bool = True) -> torch.dtype:
    """The number format of a name; `auto` is float16 on GPUs, bfloat16 on CPUs that support it, and float32 on others.

    bfloat16 takes half the time of float32 on such CPUs. A format that the device emulates causes a warning if `warned`.

    Raises:
        SettingError: unknown name.
    """
    if name == "auto":
        if device.type != "cpu":
            return torch.float16
        return torch.float32 if imitates(device, torch.bfloat16) else torch.bfloat16
    if name not in PRECISIONS:
        raise SettingError(f"precision {name!r}", f"auto or one of {', '.join(PRECISIONS)}", "Check the name.")
    if warned:
        warn_if_emulated(PRECISIONS[name], device, REMEDY)
    return PRECISIONS[name]


def warn_if_emulated(dtype: torch.dtype, device: torch.device, remedy: str) -> None:
    """Warn on standard error if the device is not known to support a number format."""
    if imitates(device, dtype):
        name = str(dtype).removeprefix("torch.")
        notify(
            f"this {device.type} is not known to support {name}; emulating it takes at least 20 times as long as "
            f"float32. Faster: {remedy}"
        )
