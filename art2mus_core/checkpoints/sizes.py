"""How much memory a checkpoint's networks take, from the headers of their files."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path

import torch

from .folder import weights_file
from .tensors import opened

__all__ = ["needed"]

WIDTHS = {"BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "U16": 2, "I32": 4, "U32": 4, "I64": 8, "U64": 8}
"""Bytes of a number that is no float, by its name in a safetensors header; floats are converted."""


def needed(
    folder: Path, names: Iterable[str], dtype: torch.dtype, *, unused: Callable[[str], bool] = lambda _: False
) -> int:
    """Bytes that components take once they are loaded; of their files only the headers are read.

    Args:
        folder: the checkpoint.
        names: components.
        dtype: what floating-point weights are converted to.
        unused: true for keys that are not loaded.

    Raises:
        CheckpointError: weights are missing or damaged.
    """
    taken = 0
    for name in names:
        with opened(weights_file(folder, name)) as file:
            for key in file.keys():  # noqa: SIM118
                tensor = file.get_slice(key)
                width = WIDTHS.get(tensor.get_dtype(), dtype.itemsize)
                taken += 0 if unused(key) else width * math.prod(tensor.get_shape())
    return taken
