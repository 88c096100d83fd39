"""What `art2mus doctor` reports about the processor and about the tested versions of the libraries."""

from __future__ import annotations

import json
import os
import platform
import re
from pathlib import Path
from typing import Any

__all__ = ["TESTED", "advice", "compare", "examine_cpu"]


def examine_cpu() -> dict[str, Any]:
    """Facts about the processor; `load` is the mean number of running processes in the last minute, None if unknown."""
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
    """A line for each thing that makes composing slow on this processor, with its remedy."""
    lines = []
    if cpu["threads"] > 1 and cpu["load"] is not None and cpu["load"] >= cpu["cores"] / 2:
        lines.append(
            f"Busy: {cpu['load']:g} processes share the {cpu['cores']} cores. {cpu['threads']} threads that wait for each other can "
            "take many times as long as one: set OMP_NUM_THREADS=1 before you start art2mus or ComfyUI."
        )
    if cpu["imitates"]:
        lines.append(
            f"Slow on this cpu: {' and '.join(cpu['imitates'])}, which it is not known to support. Leave --precision at auto, "
            "or choose float32."
        )
    return lines


TESTED: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "configs" / "tested_versions.json").read_text(encoding="utf-8")
)
"""The oldest and newest versions with which all tests passed, and the dates; written by `.ci/versions.py`."""


def compare(name: str, installed: str) -> dict[str, str]:
    """Compare the installed version of a library with the tested ones.

    Args:
        name: one of the project's dependencies.
        installed: its version.

    Returns:
        `oldest` and `newest` that passed, and the `verdict`: older, tested (one of the two), between or newer.
    """
    oldest, newest = (TESTED[kind]["versions"][name] for kind in ("oldest", "newest"))
    here, least, most = map(_numbers, (installed, oldest, newest))
    verdict = "tested" if here in {least, most} else "older" if here < least else "newer" if here > most else "between"
    return {"oldest": oldest, "newest": newest, "verdict": verdict}


def _numbers(version: str) -> tuple[int, ...]:
    """A version as numbers without trailing zeros: 2.13.0+cpu is (2, 13); a pre-release counts as its release."""
    found = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
