"""Filling a network that was built on `meta`: every key, every shape, every value, or an error that says which."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from ..errors import CheckpointError

__all__ = ["fill"]

Network = TypeVar("Network", bound=nn.Module)

SHOWN = 5
"""Keys an error names."""


def fill(
    network: Network, tensors: dict[str, Tensor], path: Path, again: Callable[[], nn.Module], *, dtype: torch.dtype
) -> Network:
    """Give a network on `meta` its weights, without copying those that are already of `dtype`.

    Args:
        network: built on `meta`.
        tensors: its whole state by key.
        path: where the state comes from, for messages.
        again: builds the network off `meta`; called only if it has buffers that are not part of its state.
        dtype: floating-point tensors are converted to this.

    Returns:
        The network, ready to run: in evaluation mode, its weights frozen.

    Raises:
        CheckpointError: keys missing or left over, a wrong shape, or a weight that is not finite.
    """
    expected = network.state_dict()
    _same_keys(expected.keys(), tensors.keys(), path)
    _same_shapes(expected, tensors, path)
    converted = {key: tensor.to(dtype) if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}
    _finite(converted, path)
    network.load_state_dict(converted, strict=True, assign=True)
    _restore_buffers(network, again, dtype)
    return network.requires_grad_(requires_grad=False).eval()


def _restore_buffers(network: nn.Module, again: Callable[[], nn.Module], dtype: torch.dtype) -> None:
    """Buffers outside the state (masks, position tables) exist only in a network that was really built."""
    missing = [name for name, buffer in network.named_buffers() if buffer.is_meta]
    if not missing:
        return
    built = dict(again().named_buffers())
    for name in missing:
        owner, _, leaf = name.rpartition(".")
        buffer = built[name]
        setattr(network.get_submodule(owner), leaf, buffer.to(dtype) if buffer.is_floating_point() else buffer)


def _same_keys(expected: Iterable[str], found: Iterable[str], path: Path) -> None:
    missing, surplus = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if not missing and not surplus:
        return
    parts = [_listed(keys, word) for keys, word in ((missing, "lacks"), (surplus, "has no place for")) if keys]
    raise CheckpointError(
        f"{path} {' and '.join(parts)}",
        "exactly the weights that its config.json describes",
        "Use weights and config.json of one checkpoint, or install it again.",
    )


def _listed(keys: list[str], word: str) -> str:
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{word} {', '.join(keys[:SHOWN])}{more}"


def _same_shapes(expected: dict[str, Tensor], found: dict[str, Tensor], path: Path) -> None:
    wrong = [key for key in sorted(expected) if expected[key].shape != found[key].shape]
    if wrong:
        shown = ", ".join(f"{key} of {list(found[key].shape)} for {list(expected[key].shape)}" for key in wrong[:SHOWN])
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise CheckpointError(
            f"{path} has {shown}{more}",
            "the shapes that its config.json describes",
            "Use weights and config.json of one checkpoint, or install it again.",
        )


def _finite(tensors: dict[str, Tensor], path: Path) -> None:
    broken = [key for key, tensor in tensors.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if broken:
        raise CheckpointError(
            f"{path} has values that are not finite in {', '.join(broken[:SHOWN])}",
            "finite weights",
            "Install or download the checkpoint again.",
        )
