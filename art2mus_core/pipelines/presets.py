"""Presets: settings by name, from exact to fast, which each checkpoint fills in. Importing this file does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ..errors import SettingError

__all__ = ["BALANCED", "CUSTOM", "EXACT", "FAST", "INSTANT", "PRESETS", "check_preset", "of_preset", "precision_of"]

EXACT, BALANCED, FAST, INSTANT = "exact", "balanced", "fast", "instant"

PRESETS = (EXACT, BALANCED, FAST, INSTANT)
"""By the time that they take, longest first. Every checkpoint has the first two; `balanced` is the default."""

CUSTOM = "custom"
"""In place of a preset, for settings that were each given."""

Chosen = TypeVar("Chosen")


def check_preset(name: str) -> None:
    """Check the name of a preset; not every checkpoint has all.

    Raises:
        SettingError: not in `PRESETS`.
    """
    if name not in PRESETS:
        raise SettingError(f"no preset {name!r}", f"one of {', '.join(PRESETS)}", "Check the name.")


def of_preset(presets: Mapping[str, Chosen], name: str | None, model: str) -> Chosen:
    """The settings of a model's preset, by default `balanced`.

    Raises:
        SettingError: the model has no such preset.
    """
    found = presets.get(name or BALANCED)
    if found is None:
        raise SettingError(
            f"no preset {name!r} in {model}", f"one of {', '.join(presets)}", "Choose another preset or another model."
        )
    return found


def precision_of(preset: str | None) -> str:
    """The number format of a preset where none is chosen, as `--precision` names it."""
    return "float32" if preset == EXACT else "auto"
