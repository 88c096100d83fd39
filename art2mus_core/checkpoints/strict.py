"""Filling a network that was built on `meta`: every key, every shape, every value, or an error that says which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from ..errors import CheckpointError

__all__ = [
    "Form",
    "check_finite",
    "check_fit",
    "check_forms",
    "fill",
    "header_forms",
    "is_finite",
    "listed",
    "tensor_forms",
]

Network = TypeVar("Network", bound=nn.Module)

SHOWN = 5
"""Keys an error names."""

FLOATS = ("float32", "float16", "bfloat16", "float64")
"""Types in which a number is the weight itself; eight-bit floats mean nothing without scales kept elsewhere."""

WHOLES = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")

CODES = {"F": "float", "BF": "bfloat", "I": "int", "U": "uint"}
"""How a type's name begins in a safetensors header, and in torch; the width follows."""

EIGHT_BITS = {"BOOL": "bool", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}


class Form(NamedTuple):
    """What is known of a tensor without its values.

    Attributes:
        shape: its sizes.
        dtype: torch's name of its type.
    """

    shape: list[int]
    dtype: str


def tensor_forms(tensors: Mapping[str, Any]) -> dict[str, Form]:
    """Forms of tensors by key; what lies in a table of weights and is no plain tensor has a form that fits nowhere."""
    return {key: _form(value) for key, value in tensors.items()}


def header_forms(file: Any, *, unused: Callable[[str], bool] = lambda _: False) -> dict[str, Form]:  # noqa: ANN401
    """Forms of what lies in a safetensors file that is open, without those that are not wanted; no weight is read."""
    slices = {key: file.get_slice(key) for key in file.keys() if not unused(key)}  # noqa: SIM118
    return {key: Form(part.get_shape(), _named(part.get_dtype())) for key, part in slices.items()}


def _form(value: object) -> Form:
    if isinstance(value, Tensor) and value.layout is torch.strided:
        return Form(list(value.shape), str(value.dtype).removeprefix("torch."))
    return Form([], "no plain tensor")


def _named(code: str) -> str:
    letters = code.rstrip("0123456789")
    return EIGHT_BITS.get(code) or CODES.get(letters, letters) + code.removeprefix(letters)


def check_fit(network: nn.Module, found: Mapping[str, Form], path: Path) -> None:
    """Compare what is known of a network's weights with the network, before a weight is read.

    Raises:
        CheckpointError: keys missing or left over, a wrong shape or type.
    """
    check_forms(
        tensor_forms(network.state_dict()),
        found,
        path,
        "exactly the weights that its config.json describes",
        "Use weights and config.json of one checkpoint, or install it again.",
    )


def check_forms(
    expected: Mapping[str, Form], found: Mapping[str, Form], path: Path, described: str, remedy: str
) -> None:
    """Compare forms by key; any float stands for any other.

    Args:
        expected: what should be there.
        found: what is there.
        path: where, for messages.
        described: what was expected, for messages.
        remedy: what to do where keys or shapes differ.

    Raises:
        CheckpointError: they differ.
    """
    missing, surplus = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if missing or surplus:
        parts = [f"{word} {listed(keys)}" for keys, word in ((missing, "lacks"), (surplus, "has no place for")) if keys]
        raise CheckpointError(f"{path} {' and '.join(parts)}", described, remedy)
    if wrong := [
        f"{key} as {found[key].dtype}" for key in sorted(expected) if not _is_alike(expected[key], found[key])
    ]:
        raise CheckpointError(
            f"{path} holds {listed(wrong)}",
            f"weights as {', '.join(FLOATS)}, and whole numbers where the network counts",
            "Get the checkpoint in float32, float16 or bfloat16: quantised weights are another network.",
        )
    pairs = [(key, found[key].shape, expected[key].shape) for key in sorted(expected)]
    if wrong := [f"{key} of {shape} for {wanted}" for key, shape, wanted in pairs if shape != wanted]:
        raise CheckpointError(f"{path} has {listed(wrong)}", described, remedy)


def _is_alike(expected: Form, found: Form) -> bool:
    return found.dtype in (FLOATS if expected.dtype in FLOATS else WHOLES)


def listed(keys: Iterable[str]) -> str:
    """The first few of some keys, and how many there are beside them."""
    named = list(keys)
    return ", ".join(named[:SHOWN]) + (f" and {len(named) - SHOWN} more" if len(named) > SHOWN else "")


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
    check_fit(network, tensor_forms(tensors), path)
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


def _finite(stored: dict[str, Tensor], converted: dict[str, Tensor], path: Path) -> None:
    broken = [key for key, tensor in converted.items() if not is_finite(tensor)]
    if broken:
        check_finite({key: stored[key] for key in broken}, path)
        raise CheckpointError(
            f"{path} has values too large for {_form(converted[broken[0]]).dtype} in {listed(broken)}",
            "weights that fit into the chosen precision",
            "Choose the precision bfloat16 or float32.",
        )


def check_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights of which a value is NaN or infinite.

    Raises:
        CheckpointError: there is one.
    """
    if broken := [key for key, tensor in tensors.items() if not is_finite(tensor)]:
        raise CheckpointError(
            f"{path} has values that are not finite in {listed(broken)}",
            "finite weights",
            "Install or download the checkpoint again.",
        )


def is_finite(tensor: Tensor) -> bool:
    """Whether every value is, through the extremes, which are NaN if anything is: nothing of its size is allocated."""
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return True
    return bool(torch.stack(torch.aminmax(tensor)).isfinite().all())
