"""What `art2mus doctor` says of this machine: its processor, and which installed libraries the tests passed with."""

from __future__ import annotations

import json
import os
import platform
import re
from pathlib import Path
from typing import Any

__all__ = ["TESTED", "advice", "compare", "examine_cpu"]


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


TESTED: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "configs" / "tested_versions.json").read_text(encoding="utf-8")
)
"""The oldest and the newest versions with which all tests passed, and when; `.ci/versions.py` writes them."""


def compare(name: str, installed: str) -> dict[str, str]:
    """What the tests say of a library.

    Args:
        name: one of the project's dependencies.
        installed: its version here.

    Returns:
        `oldest` and `newest` that passed, and the `verdict`: older, tested (one of the two), between or newer.
    """
    oldest, newest = (TESTED[kind]["versions"][name] for kind in ("oldest", "newest"))
    here, least, most = map(_numbers, (installed, oldest, newest))
    verdict = "tested" if here in {least, most} else "older" if here < least else "newer" if here > most else "between"
    return {"oldest": oldest, "newest": newest, "verdict": verdict}


def _numbers(version: str) -> tuple[int, ...]:
    """2.13.0+cpu as (2, 13), so that it equals 2.13; of a build before a release, the release."""
    found = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
