"""Weights of published judges: read from either form in which they are published, and told apart by their digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch import Tensor

from ...checkpoints.pickles import read_pickle
from ...checkpoints.tensors import read_tensors

__all__ = ["PICKLED", "SAFE", "digest", "published_file", "read_published"]

SAFE, PICKLED = "model.safetensors", "pytorch_model.bin"
"""Names under which transformers stores weights; of a folder that has both, the first is read."""


def published_file(folder: Path) -> Path:
    """Where the weights of a folder in transformers' layout lie; under the first name if they are missing."""
    return next((folder / name for name in (SAFE, PICKLED) if (folder / name).is_file()), folder / SAFE)


def read_published(path: Path, wanted: str, again: str) -> dict[str, Tensor]:
    """A table of tensors from safetensors, or from a pickle that is opened as nothing but weights.

    Args:
        path: the file; its suffix decides.
        wanted: what it should be, for messages.
        again: where another one is had, for messages.

    Raises:
        CheckpointError: missing, damaged or something else.
    """
    return read_tensors(path)[0] if path.suffix == ".safetensors" else read_pickle(path, wanted, again)


def digest(paths: list[Path], *settings: object) -> str:
    """Eight digits that identify what computes a space: the bytes of some files, and settings that are in none of them."""
    total = hashlib.sha256(repr(settings).encode())
    for path in paths:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:8]
