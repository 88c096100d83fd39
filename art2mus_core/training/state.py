"""Saving and resuming a run: one file, written whole or not at all, opened without executing anything."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from ..errors import CheckpointError
from ..placing import replacing

__all__ = ["load_state", "save_state"]


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers and containers of them to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, partial.open("wb") as file:
        torch.save(state, file)


def load_state(path: Path) -> dict[str, Any]:
    """Read what :func:`save_state` wrote.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path} cannot be read ({reason})", "the state of a training run", "Delete it to train from the start."
        ) from error
