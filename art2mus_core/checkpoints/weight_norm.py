"""Weights that were stored while weight norm was applied (Salimans & Kingma 2016): a length and a direction in their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..errors import CheckpointError
from .strict import FLOATS, Form, listed

__all__ = ["find_halves", "joined_forms", "joined_tensors"]

Halves = tuple[str, str]
"""Keys of a weight's length and of its direction."""


def find_halves(expected: Iterable[str], found: Mapping[str, Form], path: Path) -> dict[str, Halves]:
    """Which of a network's weights lie in a file as length and direction.

    Args:
        expected: keys of the network; one that has weight norm itself keeps its halves.
        found: what is in the file.
        path: the file, for messages.

    Raises:
        CheckpointError: one half without the other, both beside the weight itself, or halves that don't fit together.
    """
    wanted = set(expected)
    pairs = {}
    for key in sorted(wanted):
        for halves in _names(key):
            there = [half for half in halves if half in found and half not in wanted]
            if not there:
                continue
            if len(there) < len(halves) or key in found or key in pairs:
                raise CheckpointError(
                    f"{path} holds {listed([*([key] if key in found or key in pairs else []), *there])}",
                    "of a weight under weight norm its length and its direction, and nothing else",
                    "Save the network again from one without weight norm, or get the checkpoint again.",
                )
            _check_length(found, halves, path)
            pairs[key] = halves
    return pairs


def _names(key: str) -> tuple[Halves, Halves]:
    """What torch calls the halves: `torch.nn.utils.weight_norm`, and the parametrization of the same name."""
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
            f"{path} has under weight norm a length {halves[0]} of {length.shape} as {length.dtype} "
            f"for a direction of {direction.shape}",
            "one number for each slice of the direction along one axis, or one for all of it",
            "Save the network again from one without weight norm, or get the checkpoint again.",
        )


def joined_forms(found: Mapping[str, Form], pairs: Mapping[str, Halves]) -> dict[str, Form]:
    """What is in the file once the halves are put together: weights of the shape and type of their direction."""
    gone = {half for halves in pairs.values() for half in halves}
    return {
        **{key: form for key, form in found.items() if key not in gone},
        **{key: found[direction] for key, (_, direction) in pairs.items()},
    }


def joined_tensors(tensors: Mapping[str, Tensor], pairs: Mapping[str, Halves]) -> dict[str, Tensor]:
    """Weights made of their halves, in float32 at least: length times direction by the direction's own length."""
    gone = {half for halves in pairs.values() for half in halves}
    return {
        **{key: tensor for key, tensor in tensors.items() if key not in gone},
        **{key: _join(tensors[length], tensors[direction]) for key, (length, direction) in pairs.items()},
    }


def _join(length: Tensor, direction: Tensor) -> Tensor:
    dtype = torch.promote_types(direction.dtype, torch.float32)
    length, direction = length.to(dtype), direction.to(dtype)
    # The axis along which slices have a length each is the one that the length has; with one number there is none.
    slices = [axis for axis in range(direction.dim()) if length.dim() == 0 or length.shape[axis] == 1]
    return direction * (length / torch.linalg.vector_norm(direction, dim=slices, keepdim=True))
