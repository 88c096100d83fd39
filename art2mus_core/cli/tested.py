"""Which installed libraries are those that the tests passed with."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

__all__ = ["TESTED", "compare"]

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
