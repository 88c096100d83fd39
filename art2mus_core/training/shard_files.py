"""The file of a shard: columns of values as safetensors, written, read back, and mapped into memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int

from ..errors import DatasetError

__all__ = ["Computed", "Mapped", "mapped", "read_shard", "write_shard"]

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
        content: of the file (:class:`~art2mus_core.training.sources.Source`).
        values: [length, ...] for each column; nothing if the file failed.
        fault: why there is nothing.
    """

    content: str
    values: dict[str, np.ndarray]
    fault: str | None = None


@dataclass(frozen=True)
class Mapped:
    """A shard whose values are read from the disk when they are used.

    Attributes:
        values: [sum of lengths, ...] for each column.
        lengths: of the rows, for each column.
        contents: of the rows.
        faults: of the rows.
    """

    values: dict[str, np.ndarray]
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
    save_file(tensors, path, metadata={ROWS: told})


def read_shard(path: Path) -> list[Computed]:
    """Read what was written.

    Raises:
        DatasetError: it is damaged.
    """
    shard = mapped(path)
    ends = {name: lengths.cumsum() for name, lengths in shard.lengths.items()}
    found = []
    for row, (content, fault) in enumerate(zip(shard.contents, shard.faults, strict=True)):
        parts = {name: shard.values[name][end[row] - shard.lengths[name][row] : end[row]] for name, end in ends.items()}
        found.append(Computed(content, {} if fault else {name: part.copy() for name, part in parts.items()}, fault))
    return found


def mapped(path: Path) -> Mapped:
    """Map a shard into memory. No file stays open, so that a store may have more shards than a process may open files.

    Raises:
        DatasetError: it is damaged.
    """
    try:
        storage = torch.UntypedStorage.from_file(str(path), shared=False, nbytes=path.stat().st_size)
        whole = torch.empty(0, dtype=torch.uint8).set_(storage).numpy()  # type: ignore[arg-type]
        begin = 8 + int.from_bytes(whole[:8].tobytes(), "little")
        header: dict[str, Any] = json.loads(whole[8:begin].tobytes())
        told = json.loads(header.pop("__metadata__")[ROWS])
        found = {name: _tensor(whole[begin:], about) for name, about in header.items()}
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path} cannot be read ({error})", "a shard of features", AGAIN) from error
    lengths = {name.removesuffix(LENGTHS): value for name, value in found.items() if name.endswith(LENGTHS)}
    return Mapped({name: found[name] for name in lengths}, lengths, [row[0] for row in told], [row[1] for row in told])


def _tensor(data: np.ndarray, about: dict[str, Any]) -> np.ndarray:
    first, last = about["data_offsets"]
    return data[first:last].view(TYPES[about["dtype"]]).reshape(about["shape"])
