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

FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
"""Types in which a number is the weight itself; eight-bit floats mean nothing without scales kept elsewhere."""


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
        CheckpointError: keys missing or left over, a wrong shape or type, or a weight that is not finite or does not
            fit into `dtype`.
    """
    expected = network.state_dict()
    _same_keys(expected.keys(), tensors.keys(), path)
    _same_shapes(expected, tensors, path)
    _same_types(expected, tensors, path)
    converted = {key: tensor.to(dtype) if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}
    _finite(tensors, converted, path)
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
    wrong = [
        f"{key} of {list(found[key].shape)} for {list(expected[key].shape)}"
        for key in sorted(expected)
        if expected[key].shape != found[key].shape
    ]
    if wrong:
        raise CheckpointError(
            f"{path} {_listed(wrong, 'has')}",
            "the shapes that its config.json describes",
            "Use weights and config.json of one checkpoint, or install it again.",
        )


def _same_types(expected: dict[str, Tensor], found: dict[str, Tensor], path: Path) -> None:
    wrong = [
        f"{key} as {_spoken(found[key].dtype)}"
        for key in sorted(expected)
        if (found[key].dtype not in FLOATS if expected[key].is_floating_point() else found[key].is_floating_point())
    ]
    if wrong:
        raise CheckpointError(
            f"{path} {_listed(wrong, 'holds')}",
            f"weights as {', '.join(map(_spoken, FLOATS))}, and whole numbers where the network counts",
            "Get the checkpoint in float32, float16 or bfloat16: quantised weights are another network.",
        )


def _finite(stored: dict[str, Tensor], converted: dict[str, Tensor], path: Path) -> None:
    broken = [key for key, tensor in converted.items() if not _is_finite(tensor)]
    if broken and all(_is_finite(stored[key]) for key in broken):
        raise CheckpointError(
            f"{path} has values too large for {_spoken(converted[broken[0]].dtype)} in {', '.join(broken[:SHOWN])}",
            "weights that fit into the chosen precision",
            "Choose the precision bfloat16 or float32.",
        )
    if broken:
        raise CheckpointError(
            f"{path} has values that are not finite in {', '.join(broken[:SHOWN])}",
            "finite weights",
            "Install or download the checkpoint again.",
        )


def _is_finite(tensor: Tensor) -> bool:
    """Through the extremes, which are NaN if anything is: nothing of the tensor's size is allocated."""
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return True
    return bool(torch.stack(torch.aminmax(tensor)).isfinite().all())


def _spoken(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
