"""Reads and writes safetensors files."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import CheckpointError
from ..placing import refusals, replacing
from .memory import is_shortage

__all__ = [
    "WEIGHTS",
    "opened",
    "read_metadata",
    "read_tensors",
    "recognise",
    "save_tensors",
    "stream_tensors",
    "system_errors",
]

WEIGHTS = ("model.safetensors", "diffusion_pytorch_model.safetensors")
"""File names of weights: transformers' and ours, and diffusers'."""

BEGINNINGS = {
    b"<": "is a web page, not the file behind it",
    b"version https://git-lfs": "only points to a file in git's large file storage",
}
"""First bytes of files that are often found in place of weights."""

PICKLES = {
    b"PK\x03\x04": "is a pickle (torch.save) under the name of a safetensors file",
    b"\x80": "is a pickle under the name of a safetensors file",
}
"""First bytes of weights in another format."""

AGAIN = "Install or download the checkpoint again."
FREE_SPACE = "Free some space, or choose another place."


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a safetensors file; only its header is read, tensors are mapped from the disk on access.

    Raises:
        CheckpointError: missing, truncated or of another format.
    """
    _require(path)
    try:
        opening = safe_open(path, framework="pt")
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        if is_shortage(error):
            raise
        raise CheckpointError(f"{path} {_what_is_wrong(path, error)}", "a whole safetensors file", AGAIN) from error
    with opening as file:
        yield file


def recognise(start: bytes, beginnings: dict[bytes, str] = BEGINNINGS) -> str | None:
    """Describe a file without weights by its first bytes; None if they are not known."""
    if not start:
        return "is empty"
    return next((what for mark, what in beginnings.items() if start.lstrip().startswith(mark)), None)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a safetensors file, and the metadata of its header.

    Raises:
        CheckpointError: missing, truncated or damaged.
    """
    with opened(path) as file:
        return {key: file.get_tensor(key) for key in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118


def read_metadata(path: Path) -> dict[str, str]:
    """The strings in the header of a safetensors file, such as the source and the licence of its weights.

    Raises:
        CheckpointError: missing or damaged.
    """
    with opened(path) as file:
        return {key: text for key, text in (file.metadata() or {}).items() if key != "format"}


def save_tensors(
    path: Path, tensors: dict[str, Tensor], *, half: bool = False, metadata: dict[str, str] | None = None
) -> None:
    """Write tensors as safetensors, completely or not at all.

    Args:
        path: the file.
        tensors: by key.
        half: store floating-point tensors in float16.
        metadata: strings for the header.

    Raises:
        OutputError: the file cannot be written.
    """

    def stored(tensor: Tensor) -> Tensor:
        dtype = torch.float16 if half and tensor.is_floating_point() else tensor.dtype
        return tensor.detach().to("cpu", dtype, copy=True, memory_format=torch.contiguous_format).contiguous()

    kept = {key: stored(tensor) for key, tensor in tensors.items()}
    with refusals(path, FREE_SPACE), replacing(path) as partial:
        partial.touch()
        usual = partial.stat().st_mode  # safetensors creates files that only their owner can read
        with system_errors():
            save_file(kept, partial, {"format": "pt", **(metadata or {})})
        _sort_metadata(partial)
        partial.chmod(usual)


@contextmanager
def system_errors() -> Iterator[None]:
    """Convert safetensors' errors while a file is written to those of the system, such as that of a full disk.

    Raises:
        OSError: the file cannot be written.
    """
    try:
        yield
    except SafetensorError as error:
        found = re.search(r"I/O error: (.*) \(os error (\d+)\)", str(error))
        raise (OSError(int(found[2]), found[1]) if found else OSError(str(error))) from error


def _sort_metadata(path: Path) -> None:
    """Order the header's strings by key: safetensors writes them in random order, and equal tensors should be equal files."""
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        file.seek(8)
        file.write(json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode().ljust(length))


def _require(path: Path) -> None:
    if path.is_file():
        return
    if pieces := sorted(path.parent.glob("*-of-*.safetensors")):
        raise CheckpointError(
            f"{path.parent} has its weights in {len(pieces)} pieces, {pieces[0].name} and so on",
            f"one file, {' or '.join(WEIGHTS)}",
            "Save the network again with a max_shard_size above its size.",
        )
    pickles = sorted(path.parent.glob("*.bin"))
    if path.name in WEIGHTS and pickles:
        raise CheckpointError(
            f"{path.parent} has its weights only as a pickle, {pickles[0].name}",
            f"{' or '.join(WEIGHTS)}; pickles are not opened here, because they can contain programs",
            "Download the safetensors file of the same repository into this folder.",
        )
    raise CheckpointError(f"{path} is missing", "a whole checkpoint folder", AGAIN)


def _what_is_wrong(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        start = file.read(64)
    # A valid file may begin with any byte: its first eight are the length of the header.
    found = None if start[8:9] == b"{" else recognise(start, BEGINNINGS | PICKLES)
    return found or f"{'is damaged' if isinstance(error, SafetensorError) else 'cannot be read'} ({error})"


CODES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
"""Types that can be written, by their safetensors names."""

ALIGNMENT = 8
"""The header is padded with spaces to a multiple of this many bytes."""


def stream_tensors(
    path: Path,
    shapes: Mapping[str, torch.Size],
    read: Callable[[str], Tensor],
    *,
    dtype: torch.dtype,
    metadata: Mapping[str, str],
    no_replace: bool = False,
) -> None:
    """Write a safetensors file, completely or not at all, with only one tensor in memory at a time.

    Args:
        path: the file; its folder is created.
        shapes: shapes of all tensors, in the order of reading and writing.
        read: returns the tensor of a key, in any floating-point precision.
        dtype: type of all stored tensors: float32, float16 or bfloat16.
        metadata: strings for the header.
        no_replace: do not replace an existing file.

    Raises:
        OutputError: the file cannot be written; or, with `no_replace`, the file exists.
    """
    with (
        refusals(path, FREE_SPACE),
        replacing(path, no_replace=no_replace) as partial,
        partial.open("xb") as file,
    ):
        file.write(_header(shapes, dtype, metadata))
        for key in shapes:
            flat = read(key).detach().to("cpu", dtype).contiguous().reshape(-1)
            file.write(flat.view(torch.uint8).numpy().data)


def _header(shapes: Mapping[str, torch.Size], dtype: torch.dtype, metadata: Mapping[str, str]) -> bytes:
    """Eight bytes with the header's length, little endian, and the header: a JSON object of types, shapes and offsets."""
    table: dict[str, object] = {"__metadata__": {"format": "pt", **metadata}}
    end = 0
    for key, shape in shapes.items():
        start, end = end, end + math.prod(shape) * dtype.itemsize
        table[key] = {"dtype": CODES[dtype], "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text
