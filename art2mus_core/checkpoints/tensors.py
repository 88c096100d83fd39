"""Files of tensors: opened by their header, read, and written whole; safetensors and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import CheckpointError
from ..placing import replacing
from .memory import is_shortage

__all__ = ["WEIGHTS", "look", "opened", "read_tensors", "save_tensors"]

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
        partial.chmod(usual)


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
