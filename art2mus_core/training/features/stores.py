"""Stores of features: each file of a dataset is read once, whatever stops the work, and however many pairs it is in.

A store is a folder with shards of rows (`datasets/shards.py`), one row for each file, and an index of what they are. A shard is a safetensors
file: the values of a column one after the other, and their lengths.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets.known import Known
from ...datasets.shards import Shards, Spread
from ...errors import DatasetError
from ...locking import alone
from ...placing import place
from ...types import OnStep
from .pieces import Pieces
from .shard_files import Computed, Shard, open_shard, read_shard, write_shard
from .sources import Source

__all__ = ["INDEX", "Feature", "Store", "complete_store", "open_store"]

INDEX = "index.json"
DIGITS = 12


@dataclass(frozen=True)
class Feature:
    """What a store has of each file.

    Attributes:
        name: of the store.
        columns: what decides the values of each column beside the file, such as the digest of a network; as JSON can hold it.
        work: computes a few files; called in other processes.
        batch: files that `work` gets at once.
        size: files of a shard.
    """

    name: str
    columns: Mapping[str, Any]
    work: Callable[[Sequence[Source]], Sequence[Computed]]
    batch: int = 1
    size: int = 32

    def folder(self, root: Path) -> Path:
        """The folder of the store; another network has another one."""
        return root / f"{self.name}-{_digest(self.columns)[:DIGITS]}"


@dataclass(frozen=True)
class Store:
    """A complete store, opened.

    Attributes:
        folder: its place.
        columns: what decides the values of each column.
        shards: its files.
        faults: why files have no values, by their row.
    """

    folder: Path
    columns: dict[str, Any]
    shards: list[Shard]
    faults: dict[int, str] = field(default_factory=dict)

    def column(self, name: str) -> Pieces:
        """The values of a column."""
        empty = next((shard.values[name][:0] for shard in self.shards if name in shard.values), np.zeros(0, np.float32))
        places = [np.zeros((0, 3), int)]
        for number, shard in enumerate(self.shards):
            lengths = shard.lengths.get(name, np.zeros(len(shard.contents), int))
            places.append(np.stack([np.full_like(lengths, number), lengths.cumsum() - lengths, lengths], axis=1))
        return Pieces([shard.values.get(name, empty) for shard in self.shards] or [empty], np.concatenate(places))

    @classmethod
    def at(cls, folder: Path) -> Store:
        """A store that is known to be complete."""
        index = read_index(folder)
        return _opened(_shards(folder, index["columns"], index["size"]), index["rows"])

    def has(self, columns: Mapping[str, Any]) -> bool:
        """Whether it has these columns, computed by the same."""
        return all(self.columns.get(name) == origin for name, origin in json.loads(json.dumps(columns)).items())

    @property
    def contents(self) -> list[str]:
        """What identifies the file of each row."""
        return [content for shard in self.shards for content in shard.contents]

    @property
    def digest(self) -> str:
        """Identifies the files of the rows and their order."""
        return _digest(self.contents)

    @property
    def bytes(self) -> int:
        """Its size on disk."""
        return sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())


def complete_store(root: Path, columns: Mapping[str, Any], files: Sequence[Source]) -> Store | None:
    """A complete and undamaged store that has these columns, and perhaps others, of these files; None if there is none.

    Args:
        root: folder of the stores.
        columns: as of a :class:`Feature`.
        files: in the order of the rows.
    """
    contents = _digest([source.content for source in files])
    for path in sorted(root.glob(f"*/{INDEX}")):
        index = read_index(path.parent)
        if index.get("contents") == contents and _has(index, columns):
            shards = _shards(path.parent, index["columns"], index["size"])
            if all(shards.is_whole(number) for number in range(shards.count(len(files)))):
                return _opened(shards, len(files))
    return None


def open_store(
    root: Path,
    feature: Feature,
    files: Sequence[Source],
    spread: Spread,
    *,
    retry: bool = False,
    on_step: OnStep | None = None,
    on_wait: Callable[[str], None] = lambda _: None,
) -> Store:
    """Open the store of a feature; what it lacks is computed first, and an interrupted computation resumes.

    Args:
        root: folder of the stores.
        feature: what is stored.
        files: the files, in the order of the rows.
        spread: the engine.
        retry: try files that failed again, one by one.
        on_step: called with the number of finished files.
        on_wait: called while another process computes the same.

    Raises:
        DatasetError: the store's index is about something else.
        OutputError: a shard cannot be written, as on a full disk; those before it are kept.
    """
    found = complete_store(root, feature.columns, files)
    if found is not None and not (retry and found.faults):
        return found
    folder = feature.folder(root)
    columns = json.loads(json.dumps(feature.columns))
    if (other := read_index(folder).get("columns", columns)) != columns:
        raise DatasetError(
            f"{folder / INDEX} is about {_told(other)}", _told(columns), f"Delete the folder {folder}, and run again."
        )
    shards = _shards(folder, columns, feature.size)
    with alone(folder, f"computing of {feature.name}", on_wait):
        telling: dict[str, Any] = {"stage": feature.name, "on_step": on_step}
        shards.run(files, len(files), feature.work, spread, batch=feature.batch, retry=retry, **telling)
        store = _opened(shards, len(files))
        place(folder / INDEX, _index(feature, files, store))
    return store


def read_index(folder: Path) -> dict[str, Any]:
    """The index of a store; empty if there is none that can be read."""
    try:
        found = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _index(feature: Feature, files: Sequence[Source], store: Store) -> bytes:
    shapes = {name: store.column(name) for name in feature.columns}
    told = {
        "name": feature.name,
        "columns": feature.columns,
        "rows": len(files),
        "failed": len(store.faults),
        "size": feature.size,
        "contents": _digest([source.content for source in files]),
        "shapes": {name: list(column.shape[1:]) for name, column in shapes.items()},
        "types": {name: str(column.arrays[-1].dtype) for name, column in shapes.items()},
    }
    return (json.dumps(told, indent=1) + "\n").encode()


def _shards(folder: Path, columns: Mapping[str, Any], size: int) -> Shards[Source, Computed]:
    about = {"columns": columns}
    return Shards(folder, ".safetensors", write_shard, read_shard, _content, about, _of_same_content, size)


def _content(source: Source) -> str:
    return source.content


def _of_same_content(source: Source, known: Known[Computed]) -> Computed | None:
    return known.find(source.content)


def _opened(shards: Shards[Source, Computed], rows: int) -> Store:
    files = [open_shard(shards.path(number)) for number in range(shards.count(rows))]
    faults = [fault for file in files for fault in file.faults]
    return Store(
        shards.folder, shards.made_with["columns"], files, {row: fault for row, fault in enumerate(faults) if fault}
    )


def _has(index: Mapping[str, Any], columns: Mapping[str, Any]) -> bool:
    stored = index.get("columns")
    wanted = json.loads(json.dumps(columns))
    return isinstance(stored, dict) and all(stored.get(name) == origin for name, origin in wanted.items())


def _told(columns: Mapping[str, Any]) -> str:
    return json.dumps(columns, sort_keys=True)


def _digest(value: Any) -> str:  # noqa: ANN401  what JSON can hold
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
