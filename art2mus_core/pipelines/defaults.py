"""The presets of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..checkpoints.folder import config_file, describes
from ..checkpoints.student import REMEDY, has_student, student_file, student_steps
from ..diffusion.schedules import STUDENT, schedule
from ..errors import CheckpointError, SettingError
from .presets import BALANCED, EXACT, FAST, INSTANT, PRESETS, check_preset
from .settings import Settings

__all__ = ["PUBLISHED", "read_presets"]

PUBLISHED = {
    EXACT: Settings(steps=200, guidance=3.5, solver="ddim", preset=EXACT),
    BALANCED: Settings(steps=16, guidance=3.5, solver="unipc-rho20", preset=BALANCED),
    FAST: Settings(steps=9, guidance=3.5, solver="unipc-rho20", guided_below=0.85, preset=FAST),
}
"""Presets of checkpoints without defaults, with the published guidance: the authors' steps; a solver that is nearer to the exact
solution after 16 steps than theirs after 200; and fewer of its steps, the first two without guidance (`benchmarks/solvers.py`)."""


def read_presets(
    index: dict[str, Any], levels: dict[str, Any] | None, folder: Path, component: str = "scheduler"
) -> dict[str, Settings]:
    """The presets of a checkpoint, checked with its scheduler; `exact` and `balanced` are always among them.

    `art2mus` in the `model_index.json` has the settings of both. `art2mus_presets` has, for each preset that differs, the fields that
    do. Without `art2mus` they are `PUBLISHED`. `instant` is that of a student, if there is one.

    Args:
        index: the content of its `model_index.json`.
        levels: that of its `scheduler_config.json`; None for a checkpoint that draws nothing.
        folder: the checkpoint, for messages.
        component: the component that has the levels, for messages.

    Raises:
        CheckpointError: a value is missing, unknown or out of range.
    """
    try:
        presets = _presets(index)
        if has_student(folder):
            presets[INSTANT] = _instant(presets[EXACT], levels, folder)
        if levels is not None:
            with describes(config_file(folder, component), "a scheduler"):
                for settings in presets.values():
                    schedule(levels, settings.solver, settings.steps)
    except (TypeError, ValueError, AttributeError, SettingError) as error:
        raise CheckpointError(
            f"model_index.json of {folder} has defaults that cannot be used ({error})",
            "seconds, steps, guidance, solver and guided_below within their ranges, and presets of known names",
            "Install or download the checkpoint again.",
        ) from error
    return presets


def _instant(exact: Settings, levels: dict[str, Any] | None, folder: Path) -> Settings:
    """The preset of a checkpoint's student. Raises a CheckpointError if that has a number of steps that cannot be."""
    steps = student_steps(folder)
    try:
        schedule(levels or {}, STUDENT, steps)
    except SettingError as error:
        raise CheckpointError(f"{student_file(folder)} with {error.came}", error.expected, REMEDY) from error
    return replace(exact, solver=STUDENT, steps=steps, guidance=1.0, preset=INSTANT)


def _presets(index: Mapping[str, Any]) -> dict[str, Settings]:
    found = dict(PUBLISHED)
    if "art2mus" in index:
        found = {name: Settings(**index["art2mus"], preset=name) for name in (EXACT, BALANCED)}
    for name, fields in index.get("art2mus_presets", {}).items():
        check_preset(name)
        found[name] = replace(found[EXACT], **{**fields, "preset": name})
    return {name: found[name] for name in PRESETS if name in found}
