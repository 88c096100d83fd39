"""Reads weights that were published as a pickle (`torch.save`), without running any code in it."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import CheckpointError
from .memory import is_shortage
from .tensors import recognise

__all__ = ["ARCHIVE", "PICKLE", "read_pickle"]

ARCHIVE, PICKLE = b"PK", b"\x80"
"""First bytes of weights: a zip archive since torch 1.6, a bare pickle before."""


def read_pickle(path: Path, wanted: str, again: str) -> dict[str, Any]:
    """The table of weights in a file. An archive is mapped, so its tensors are read when they are used.

    Args:
        path: the file.
        wanted: the expected content, for messages.
        again: the remedy, for messages.

    Raises:
        CheckpointError: missing, damaged, without weights, or with anything but weights.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}", wanted, again)
    with path.open("rb") as file:
        start = file.read(64)
    if not start.startswith((ARCHIVE, PICKLE)):
        raise CheckpointError(f"{path} {recognise(start) or 'is not a file of weights'}", wanted, again)
    try:
        table = torch.load(path, map_location="cpu", mmap=zipfile.is_zipfile(path), weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} is damaged or contains more than weights, which could run as a program",
            wanted,
            f"Don't open it with anything else. {again}",
        ) from error
    except Exception as error:  # damaged bytes can raise any exception in the unpickler
        if is_shortage(error):
            raise
        raise CheckpointError(f"{path} is cut short, damaged or not a file of weights", wanted, again) from error
    if not isinstance(table, dict) or not all(isinstance(key, str) for key in table):
        raise CheckpointError(f"{path} contains no weights by name", wanted, again)
    if any(isinstance(value, Tensor) and value.is_meta for value in table.values()):
        raise CheckpointError(f"{path} contains weights without values", wanted, again)
    return table
