"""Files of tensors: opened by their header, read, and written whole, at once or tensor by tensor; safetensors and nothing else."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import CheckpointError, OutputError
from ..placing import replacing
from .memory import is_shortage

__all__ = ["WEIGHTS", "check_room", "look", "opened", "read_tensors", "save_tensors", "stored_bytes", "stream_tensors"]

WEIGHTS = ("model.safetensors", "diffusion_pytorch_model.safetensors")
"""What weights are called: by transformers and by us, and by diffusers."""

BEGINNINGS = {
    b"<": "is a web page, not the file behind it",
    b"version https://git-lfs": "only points to a file in git's large file storage",
}
"""First bytes of what is often found in place of weights."""

PICKLES = {
    b"PK\x03\x04": "is a pickle (torch.save) under the name of a safetensors file",
    b"\x80": "is a pickle under the name of a safetensors file",
}
"""First bytes of weights in another format."""

AGAIN = "Install or download the checkpoint again."


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A safetensors file, of which only the header has been read; tensors are mapped from the disk when they are asked for.

    Raises:
        CheckpointError: missing, truncated or something else.
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


def look(start: bytes, beginnings: dict[bytes, str] = BEGINNINGS) -> str | None:
    """What a file is that holds no weights, from its first bytes; None where they don't tell."""
    if not start:
        return "is empty"
    return next((said for mark, said in beginnings.items() if start.lstrip().startswith(mark)), None)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a safetensors file, and the strings of its header.

    Raises:
        CheckpointError: missing, truncated or damaged.
    """
    with opened(path) as file:
        return {key: file.get_tensor(key) for key in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118


def save_tensors(
    path: Path, tensors: dict[str, Tensor], *, half: bool = False, metadata: dict[str, str] | None = None
) -> None:
    """Write tensors as safetensors, whole or not at all.

    Args:
        path: the file.
        tensors: by key.
        half: store floating-point tensors in float16.
        metadata: strings for the header.
    """

    def stored(tensor: Tensor) -> Tensor:
        dtype = torch.float16 if half and tensor.is_floating_point() else tensor.dtype
        return tensor.detach().to("cpu", dtype, copy=True, memory_format=torch.contiguous_format).contiguous()

    with replacing(path) as partial:
        partial.touch()
        usual = partial.stat().st_mode  # safetensors makes files that nobody else can read
        save_file(
            {key: stored(tensor) for key, tensor in tensors.items()}, partial, {"format": "pt", **(metadata or {})}
        )
        _sort_metadata(partial)
        partial.chmod(usual)


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
            f"{' or '.join(WEIGHTS)}; a pickle can hold a program, so none is opened here",
            "Fetch the safetensors file of the same repository into this folder.",
        )
    raise CheckpointError(f"{path} is missing", "a whole checkpoint folder", AGAIN)


def _what_is_wrong(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        start = file.read(64)
    # Whole weights may begin with any byte too: the length of their header, eight bytes, stands before it.
    found = None if start[8:9] == b"{" else look(start, BEGINNINGS | PICKLES)
    return found or f"{'is damaged' if isinstance(error, SafetensorError) else 'cannot be read'} ({error})"


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
