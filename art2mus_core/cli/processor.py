"""What `art2mus doctor` says of the processor: its threads, its other work, and the number formats that it only imitates."""

from __future__ import annotations

import os
import platform
from typing import Any

__all__ = ["advice", "examine_cpu"]


def examine_cpu() -> dict[str, Any]:
    """Facts on the processor; `load` is how many processes wanted to run in the last minute, None where nothing counts them."""
    from .starting import importing

    with importing():
        import torch

        from ..checkpoints.precision import imitates

    cpu = torch.device("cpu")
    return {
        "name": "cpu",
        "what": platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "imitates": [name for name in ("bfloat16", "float16") if imitates(cpu, getattr(torch, name))],
    }


def advice(cpu: dict[str, Any]) -> list[str]:
    """Lines on what makes composing slow on this processor, and what to do."""
    lines = []
    if cpu["threads"] > 1 and cpu["load"] is not None and cpu["load"] >= cpu["cores"] / 2:
        lines.append(
            f"Busy: {cpu['load']:g} processes want the {cpu['cores']} cores. {cpu['threads']} threads that wait for each other can "
            "take many times as long as one: set OMP_NUM_THREADS=1 before art2mus or ComfyUI starts."
        )
    if cpu["imitates"]:
        lines.append(
            f"Slow on this cpu: {' and '.join(cpu['imitates'])}, which it is not known to compute in. Leave --precision at auto, "
            "or take float32."
        )
    return lines
