"""The default settings of a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..checkpoints.folder import config_file, describes
from ..diffusion.schedules import schedule
from ..errors import CheckpointError, SettingError
from .settings import Settings

__all__ = ["PUBLISHED", "default_settings"]

PUBLISHED = Settings(steps=30, guidance=3.5)
"""Settings for checkpoints without defaults: the published guidance, and a solver that is as close to the exact solution after
30 steps as the authors' DDIM after 200."""


def default_settings(
    index: dict[str, Any], levels: dict[str, Any] | None, folder: Path, component: str = "scheduler"
) -> Settings:
    """The default settings of a checkpoint, checked with its scheduler.

    Args:
        index: the content of its `model_index.json`.
        levels: that of its `scheduler_config.json`; None for a checkpoint that draws nothing.
        folder: the checkpoint, for messages.
        component: the component that has the levels, for messages.

    Raises:
        CheckpointError: a value is missing, unknown or out of range.
    """
    try:
        defaults = Settings(**index["art2mus"]) if "art2mus" in index else PUBLISHED
        if levels is not None:
            with describes(config_file(folder, component), "a scheduler"):
                schedule(levels, defaults.solver, defaults.steps)
    except (TypeError, ValueError, SettingError) as error:
        raise CheckpointError(
            f"model_index.json of {folder} has defaults that cannot be used ({error})",
            "seconds, steps, guidance and solver within their ranges",
            "Install or download the checkpoint again.",
        ) from error
    return defaults
