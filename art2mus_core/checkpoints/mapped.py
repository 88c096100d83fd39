"""Weights that are mapped from their file, and converted one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from torch import Tensor

from .tensors import opened

__all__ = ["Mapped"]

STRETCH = 128_000_000
"""Bytes that are read before the file is mapped anew."""


class Mapped(Mapping[str, Tensor]):
    """Tensors of a safetensors file, each mapped from the disk when it is asked for.

    What was read of a mapping is memory of the process for as long as the file is open or any of its tensors is kept. So the file is
    opened anew after each `STRETCH` bytes of tensors that are converted; those that are kept as they are stored share one mapping.

    Args:
        path: the file.
        keys: keys in the file by those of this mapping.
        kept: whether a tensor is kept as it is stored.

    Raises:
        CheckpointError: missing, truncated or damaged.
    """

    def __init__(self, path: Path, keys: Mapping[str, str], kept: Callable[[str, Tensor], bool]) -> None:
        self._path, self._keys, self._kept = path, keys, kept
        self._opening = ExitStack()
        self._file, self._read = self._open(), 0

    def __getitem__(self, key: str) -> Tensor:
        if self._read > STRETCH:
            self._file, self._read = self._open(), 0
        tensor: Tensor = self._file.get_tensor(self._keys[key])
        self._read += 0 if self._kept(key, tensor) else tensor.nbytes
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def _open(self) -> Any:  # noqa: ANN401
        self._opening.close()
        return self._opening.enter_context(opened(self._path))
