"""Weights stored with weight norm (Salimans & Kingma 2016), as a length and a direction each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from ..errors import CheckpointError
from .strict import FLOATS, Form, listed

__all__ = ["find_halves", "joined_forms", "joined_tensors"]

Stored = TypeVar("Stored")
Halves = tuple[str, str]
"""Keys of a weight's length and of its direction."""


def find_halves(expected: Iterable[str], found: Mapping[str, Form], path: Path) -> dict[str, Halves]:
    """Find the weights of a network that a file stores as length and direction.

    Args:
        expected: keys of the network; a layer with weight norm of its own keeps its halves.
        found: forms in the file.
        path: the file, for messages.

    Raises:
        CheckpointError: a half without the other, halves in addition to the weight itself, or halves of mismatched shapes.
    """
    wanted = set(expected)
    pairs = {}
    for key in sorted(wanted):
        for halves in _names(key):
            stored = [half for half in halves if half in found and half not in wanted]
            if not stored:
                continue
            if len(stored) < len(halves) or key in found or key in pairs:
                raise CheckpointError(
                    f"{path} contains {listed([*([key] if key in found or key in pairs else []), *stored])}",
                    "for a weight with weight norm its length and its direction, and nothing else",
                    "Save the network again from one without weight norm, or get the checkpoint again.",
                )
            _check_length(found, halves, path)
            pairs[key] = halves
    return pairs


def _names(key: str) -> tuple[Halves, Halves]:
    """Torch's names of the halves: from `torch.nn.utils.weight_norm`, and from the parametrization of that name."""
    owner, dot, leaf = key.rpartition(".")
    parametrized = f"{owner}{dot}parametrizations.{leaf}.original"
    return (f"{key}_g", f"{key}_v"), (f"{parametrized}0", f"{parametrized}1")


def _check_length(found: Mapping[str, Form], halves: Halves, path: Path) -> None:
    length, direction = (found[half] for half in halves)
    wide = [size for size in length.shape if size != 1]
    fits = len(length.shape) in {0, len(direction.shape)} and all(
        size in {1, whole} for size, whole in zip(length.shape, direction.shape, strict=False)
    )
    if not fits or len(wide) > 1 or length.dtype not in FLOATS:
        raise CheckpointError(
            f"{path} has for weight norm a length {halves[0]} of {length.shape} as {length.dtype} "
            f"for a direction of {direction.shape}",
            "one number for each slice of the direction along one axis, or one for all of it",
            "Save the network again from one without weight norm, or get the checkpoint again.",
        )


def joined_forms(found: Mapping[str, Form], pairs: Mapping[str, Halves]) -> dict[str, Form]:
    """Forms of a file after its halves are joined; a weight has the shape and type of its direction."""
    return _others(found, pairs) | {key: found[direction] for key, (_, direction) in pairs.items()}


def joined_tensors(tensors: Mapping[str, Tensor], pairs: Mapping[str, Halves]) -> dict[str, Tensor]:
    """Weights joined from their halves, in float32 or wider: length times direction divided by its norm."""
    joined = {key: _join(tensors[length], tensors[direction]) for key, (length, direction) in pairs.items()}
    return _others(tensors, pairs) | joined


def _others(found: Mapping[str, Stored], pairs: Mapping[str, Halves]) -> dict[str, Stored]:
    halves = {half for both in pairs.values() for half in both}
    return {key: value for key, value in found.items() if key not in halves}


def _join(length: Tensor, direction: Tensor) -> Tensor:
    dtype = torch.promote_types(direction.dtype, torch.float32)
    length, direction = length.to(dtype), direction.to(dtype)
    # The norm is taken over every axis along which the length has size 1.
    slices = [axis for axis in range(direction.dim()) if length.dim() == 0 or length.shape[axis] == 1]
    return direction * (length / torch.linalg.vector_norm(direction, dim=slices, keepdim=True))
