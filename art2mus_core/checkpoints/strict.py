"""Loads weights into a network built on `meta`; any difference in keys, shapes or types, or a value that is not finite, is an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from ..errors import CheckpointError
from .precision import stays

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

AGAIN = "Install or download the checkpoint again."

SHOWN = 5
"""Number of keys that an error names."""

FLOATS = ("float32", "float16", "bfloat16", "float64")
"""Types of weights that can be used directly; eight-bit floats need scales that are stored elsewhere."""

WHOLES = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")

CODES = {"F": "float", "BF": "bfloat", "I": "int", "U": "uint"}
"""Letters of a type's name in a safetensors header, and in torch; the number of bits follows."""

EIGHT_BITS = {"BOOL": "bool", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}


class Form(NamedTuple):
    """Shape of a tensor and torch's name of its type."""

    shape: list[int]
    dtype: str


def tensor_forms(tensors: Mapping[str, Any]) -> dict[str, Form]:
    """Forms of tensors by key; a value that is not a plain tensor gets a form that matches nothing."""
    return {key: _form(value) for key, value in tensors.items()}


def header_forms(file: Any, *, unused: Callable[[str], bool] = lambda _: False) -> dict[str, Form]:  # noqa: ANN401
    """Forms of the tensors in an open safetensors file, except unused ones; no weight is read."""
    slices = {key: file.get_slice(key) for key in file.keys() if not unused(key)}  # noqa: SIM118
    return {key: Form(part.get_shape(), _named(part.get_dtype())) for key, part in slices.items()}


def _form(value: object) -> Form:
    if isinstance(value, Tensor) and value.layout is torch.strided:
        return Form(list(value.shape), str(value.dtype).removeprefix("torch."))
    return Form([], "something other than a tensor")


def _named(code: str) -> str:
    letters = code.rstrip("0123456789")
    return EIGHT_BITS.get(code) or CODES.get(letters, letters) + code.removeprefix(letters)


def check_fit(network: nn.Module, found: Mapping[str, Form], path: Path) -> None:
    """Compare the forms of stored weights with those of a network.

    Raises:
        CheckpointError: missing or surplus keys, or another shape or type.
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
    """Compare forms by key; all floating-point types are equivalent, and all integer types.

    Args:
        expected: forms that the file should have.
        found: forms that it has.
        path: the file, for messages.
        described: the expected content, for messages.
        remedy: what to do if keys or shapes differ, for messages.

    Raises:
        CheckpointError: they differ.
    """
    missing, surplus = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if missing or surplus:
        parts = [f"{word} {listed(keys)}" for keys, word in ((missing, "lacks"), (surplus, "has unexpected")) if keys]
        raise CheckpointError(f"{path} {' and '.join(parts)}", described, remedy)
    if wrong := [
        f"{key} as {found[key].dtype}" for key in sorted(expected) if not _is_alike(expected[key], found[key])
    ]:
        raise CheckpointError(
            f"{path} contains {listed(wrong)}",
            f"weights as {', '.join(FLOATS)}, and integers for counters",
            "Get the checkpoint in float32, float16 or bfloat16: quantised weights are not supported.",
        )
    pairs = [(key, found[key].shape, expected[key].shape) for key in sorted(expected)]
    if wrong := [f"{key} of {shape} for {wanted}" for key, shape, wanted in pairs if shape != wanted]:
        raise CheckpointError(f"{path} has {listed(wrong)}", described, remedy)


def _is_alike(expected: Form, found: Form) -> bool:
    return found.dtype in (FLOATS if expected.dtype in FLOATS else WHOLES)


def listed(keys: Iterable[str]) -> str:
    """The first few keys, and the number of the others."""
    named = list(keys)
    return ", ".join(named[:SHOWN]) + (f" and {len(named) - SHOWN} more" if len(named) > SHOWN else "")


def fill(
    network: Network,
    tensors: Mapping[str, Tensor],
    path: Path,
    again: Callable[[], nn.Module],
    *,
    dtype: torch.dtype,
    stored: Callable[[str], bool] = lambda _: False,
) -> Network:
    """Load weights into a network on `meta`, without copying those that already have `dtype`.

    Args:
        network: built on `meta`.
        tensors: the whole state by key.
        path: the file of the state, for messages.
        again: builds the network off `meta`; called only if it has buffers outside its state.
        dtype: precision for floating-point tensors.
        stored: true for weights that the network converts itself, see `stays`.

    Returns:
        The network in evaluation mode, with frozen weights.

    Raises:
        CheckpointError: missing or surplus keys, another shape or type, a value that is not finite or too large for `dtype`.
    """
    check_fit(network, tensor_forms(tensors), path)
    converted = {
        key: tensor if stays(tensor.dtype, dtype, stored=stored(key)) else tensor.to(dtype)
        for key, tensor in tensors.items()
    }
    if broken := [key for key, tensor in converted.items() if not is_finite(tensor)]:
        check_finite({key: tensors[key] for key in broken}, path)
        raise CheckpointError(
            f"{path} has values too large for {_form(converted[broken[0]]).dtype} in {listed(broken)}",
            "weights within the range of the chosen precision",
            "Choose the precision bfloat16 or float32.",
        )
    network.load_state_dict(converted, strict=True, assign=True)
    _restore_buffers(network, again, dtype)
    return network.requires_grad_(requires_grad=False).eval()


def _restore_buffers(network: nn.Module, again: Callable[[], nn.Module], dtype: torch.dtype) -> None:
    """Copy buffers outside the state (masks, position tables) from a network that was built off `meta`."""
    missing = [name for name, buffer in network.named_buffers() if buffer.is_meta]
    built = dict(again().named_buffers()) if missing else {}
    for name in missing:
        owner, _, leaf = name.rpartition(".")
        buffer = built[name]
        setattr(network.get_submodule(owner), leaf, buffer.to(dtype) if buffer.is_floating_point() else buffer)


def check_finite(tensors: Mapping[str, Tensor], path: Path, remedy: str = AGAIN) -> None:
    """Check that no tensor has a value that is NaN or infinite.

    Raises:
        CheckpointError: one has.
    """
    if broken := [key for key, tensor in tensors.items() if not is_finite(tensor)]:
        raise CheckpointError(
            f"{path} has values that are not finite in {listed(broken)}",
            "finite weights",
            remedy,
        )


def is_finite(tensor: Tensor) -> bool:
    """Whether every value is finite. Minimum and maximum are NaN if any value is, and take no memory of the tensor's size."""
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return True
    return bool(torch.stack(torch.aminmax(tensor)).isfinite().all())
