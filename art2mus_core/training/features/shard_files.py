"""The file of a shard: columns of values as safetensors, written, and read part by part."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from ...checkpoints.tensors import system_errors
from ...errors import Art2MusError, DatasetError

__all__ = ["Computed", "Shard", "Stored", "open_shard", "read_shard", "write_shard"]

LENGTHS = ".lengths"
ROWS = "rows"
"""Key of the header's only text: the content and the fault of each row, as JSON. The order of several texts would be random."""

TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "U8": "|u1"}
"""Number formats by their names in a header."""

AGAIN = "Delete the folder, and run again."


@dataclass(frozen=True)
class Computed:
    """What was computed from a file.

    Attributes:
        content: of the file (:class:`~art2mus_core.training.features.sources.Source`).
        values: [length, ...] for each column; nothing if the file failed.
        fault: why there is nothing.
    """

    content: str
    values: dict[str, np.ndarray]
    fault: str | None = None


@dataclass(frozen=True)
class Stored:
    """The values of a column in a shard, [sum of lengths, ...], of which only the part that is asked for is read.

    The file is opened for each part: a store may have more shards than a process may open files, and where this was measured the page
    faults of a memory map took ten times as long (`benchmarks/feature_store.py`).

    Attributes:
        path: of the shard.
        offset: bytes before the values.
        shape: sizes.
        dtype: number format.
        stamp: size and time of the file, which was replaced if they changed.
    """

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stamp: tuple[int, int]

    def __getitem__(self, part: slice) -> np.ndarray:
        """Read consecutive values.

        Raises:
            Art2MusError: the file was replaced or removed.
        """
        start, stop, _ = part.indices(self.shape[0])
        found = np.empty((max(0, stop - start), *self.shape[1:]), self.dtype)
        if not found.size:
            return found
        try:
            with self.path.open("rb", buffering=0) as file:
                if stamp_of(file.fileno()) != self.stamp:
                    raise OSError("it was written anew")
                file.seek(self.offset + start * (found.nbytes // len(found)))
                view = found.data.cast("B")
                while len(view) and (count := file.readinto(view)):
                    view = view[count:]
                if len(view):
                    raise OSError("it ends early")
        except OSError as error:
            raise Art2MusError(  # no fault of the file that is worked on
                f"{self.path} cannot be read any more ({error})", "a store that stays as it is", "Run again."
            ) from error
        return found


def stamp_of(file: int) -> tuple[int, int]:
    """Size and time of an open file."""
    found = os.fstat(file)
    return found.st_size, found.st_mtime_ns


@dataclass(frozen=True)
class Shard:
    """A shard whose values are read when they are used.

    Attributes:
        values: of each column.
        lengths: of the rows, for each column.
        contents: of the rows.
        faults: of the rows.
    """

    values: dict[str, Stored]
    lengths: dict[str, Int[np.ndarray, " rows"]]
    contents: list[str]
    faults: list[str | None]


def write_shard(path: Path, results: Sequence[Computed]) -> None:
    """Write a shard; the same results give the same bytes."""
    from safetensors.numpy import save_file  # noqa: PLC0415

    tensors = dict[str, np.ndarray]()
    for name in sorted({name for result in results for name in result.values}):
        parts = [result.values.get(name) for result in results]
        whole = np.concatenate([part for part in parts if part is not None])
        tensors[name] = np.ascontiguousarray(whole)  # safetensors writes memory as it lies, whatever the strides
        tensors[name + LENGTHS] = np.array([0 if part is None else len(part) for part in parts], np.int64)
    told = json.dumps([[result.content, result.fault] for result in results])
    with system_errors():
        save_file(tensors, path, metadata={ROWS: told})


def read_shard(path: Path) -> list[Computed]:
    """Read what was written.

    Raises:
        DatasetError: it is damaged.
    """
    shard = open_shard(path)
    ends = {name: lengths.cumsum() for name, lengths in shard.lengths.items()}
    found = []
    for row, (content, fault) in enumerate(zip(shard.contents, shard.faults, strict=True)):
        parts = {name: shard.values[name][end[row] - shard.lengths[name][row] : end[row]] for name, end in ends.items()}
        found.append(Computed(content, {} if fault else parts, fault))
    return found


def open_shard(path: Path) -> Shard:
    """Read what a shard has, and no values.

    Raises:
        DatasetError: it is damaged.
    """
    try:
        with path.open("rb") as file:
            stamp, begin = stamp_of(file.fileno()), 8 + int.from_bytes(file.read(8), "little")
            header: dict[str, Any] = json.loads(file.read(begin - 8))
        told = json.loads(header.pop("__metadata__")[ROWS])
        found = {name: _stored(path, begin, about, stamp) for name, about in header.items()}
        lengths = {name.removesuffix(LENGTHS): each[:] for name, each in found.items() if name.endswith(LENGTHS)}
        values = {name: found[name] for name in lengths}
    except (OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise DatasetError(f"{path} cannot be read ({error})", "a shard of features", AGAIN) from error
    return Shard(values, lengths, [row[0] for row in told], [row[1] for row in told])


def _stored(path: Path, begin: int, about: dict[str, Any], stamp: tuple[int, int]) -> Stored:
    first, _ = about["data_offsets"]
    return Stored(path, begin + first, tuple(about["shape"]), np.dtype(TYPES[about["dtype"]]), stamp)
