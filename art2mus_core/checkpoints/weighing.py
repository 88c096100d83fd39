"""What networks take in memory, from the headers of their files."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from .folder import weights_file
from .precision import stays
from .strict import header_forms
from .tensors import opened

__all__ = ["needed"]


def needed(
    folder: Path,
    names: Iterable[str],
    dtype: torch.dtype,
    *,
    unused: Callable[[str], bool] = lambda _: False,
    stored: Callable[[str], bool] = lambda _: False,
) -> int:
    """Bytes that components take when they are loaded; only the headers of their files are read.

    Args:
        folder: the checkpoint.
        names: components.
        dtype: precision of floating-point weights.
        unused: true for keys that are not loaded.
        stored: true for keys that keep their precision, see :func:`~art2mus_core.checkpoints.folder.load_component`.

    Raises:
        CheckpointError: weights are missing or damaged.
    """
    taken = 0
    for name in names:
        with opened(weights_file(folder, name)) as file:
            for key, form in header_forms(file, unused=unused).items():
                own: Any = getattr(torch, form.dtype, None)
                kept = own is not None and stays(own, dtype, stored=stored(key))
                taken += (own if kept else dtype).itemsize * math.prod(form.shape)
    return taken
