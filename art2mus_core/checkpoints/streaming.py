"""Writes safetensors tensor by tensor, so that a file larger than the memory can be written."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..errors import OutputError
from ..placing import replacing

__all__ = ["check_room", "stored_bytes", "stream_tensors"]

CODES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
"""How safetensors names what can be written here."""

ALIGNMENT = 8
"""The header is filled up to a multiple of this with spaces."""


def stored_bytes(shapes: Mapping[str, torch.Size], dtype: torch.dtype) -> int:
    """Bytes of all tensors in `dtype`, the header not counted."""
    return sum(map(math.prod, shapes.values())) * dtype.itemsize


def check_room(folder: Path, needed: int) -> None:
    """Refuse a disk with less than `needed` bytes left.

    Raises:
        OutputError: too little room, or a place that is no folder.
    """
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise OutputError(f"{nearest} is a file", "a folder", "Choose another place.")
    free = shutil.disk_usage(nearest).free
    if free < needed:
        raise OutputError(
            f"the disk of {nearest} has {free / 1e9:.2f} GB left",
            f"{needed / 1e9:.2f} GB",
            "Make room, or choose a folder on another disk.",
        )


def stream_tensors(
    path: Path,
    shapes: Mapping[str, torch.Size],
    read: Callable[[str], Tensor],
    *,
    dtype: torch.dtype,
    metadata: Mapping[str, str],
    no_replace: bool = False,
) -> None:
    """Write one safetensors file, whole or not at all; one tensor is in memory at a time.

    Args:
        path: the file; its folder is made.
        shapes: of all tensors, in the order in which they are read and written.
        read: gives the tensor of a key, in any floating-point precision.
        dtype: of all tensors in the file: float32, float16 or bfloat16.
        metadata: strings for the header.
        no_replace: refuse to replace a file.

    Raises:
        OutputError: the disk or the folder does not take it, or a file must not be replaced.
    """
    try:
        with replacing(path, no_replace=no_replace) as partial, partial.open("xb") as file:
            file.write(_header(shapes, dtype, metadata))
            for key in shapes:
                flat = read(key).detach().to("cpu", dtype).contiguous().reshape(-1)
                file.write(flat.view(torch.uint8).numpy().data)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error})",
            "a place that you may write to, with room on its disk",
            "Make room, or choose another place.",
        ) from error


def _header(shapes: Mapping[str, torch.Size], dtype: torch.dtype, metadata: Mapping[str, str]) -> bytes:
    """Eight bytes of length, little endian, and a JSON object: what lies where behind it."""
    table: dict[str, object] = {"__metadata__": {"format": "pt", **metadata}}
    end = 0
    for key, shape in shapes.items():
        start, end = end, end + math.prod(shape) * dtype.itemsize
        table[key] = {"dtype": CODES[dtype], "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text
