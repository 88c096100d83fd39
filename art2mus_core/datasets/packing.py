"""Data files of a release: Parquet tables that the library `datasets` reads, with the pictures and sounds in them or without.

`Dataset.to_parquet` writes the paths of media and not the media, so this is pyarrow alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from ..placing import refusals, replacing
from .columns import MADE_FROM, record_of, schema_of
from .facts import Captions
from .joining import Joined
from .manifest import SPLITS

__all__ = ["Media", "Pack", "packs_of"]

LARGEST = 500_000_000
"""Bytes of media in a file."""

GROUP, ROWS = 32_000_000, 256
"""Bytes of media and rows up to which a row group grows: what a reader has in memory at a time."""

COLUMN = 2**31 - 2**20
"""Bytes of one file that a row can hold."""


@dataclass(frozen=True)
class Media:
    """The files of pairs, as columns."""

    def size(self, row: Joined) -> int:
        """Bytes of a pair's two files.

        Raises:
            DatasetError: a file is missing, or larger than a row can hold.
        """
        total = 0
        for path in row.files:
            try:
                total += (size := path.stat().st_size)
            except OSError as error:
                raise _changed(path, "is not there") from error
            if size > COLUMN:
                raise DatasetError(f"{path} has {size:,} bytes", f"at most {COLUMN:,}", "Leave it out.")
        return total

    def read(self, row: Joined) -> dict[str, dict[str, Any]]:
        """The columns of a pair's two files, compared with what was scanned.

        Raises:
            DatasetError: a file is missing, or another one than was scanned.
        """
        found, scanned = {}, {"image": row.artwork.file_sha256, "audio": row.music.file_sha256}
        for (name, digest), path in zip(scanned.items(), row.files, strict=True):
            try:
                content = path.read_bytes()
            except OSError as error:
                raise _changed(path, "cannot be read") from error
            if hashlib.sha256(content).hexdigest() != digest:
                raise _changed(path, "is not the file that was scanned")
            found[name] = {"bytes": content, "path": path.name}
        return found


def _changed(path: Path, what: str) -> DatasetError:
    return DatasetError(
        f"{path} {what}",
        "the file that was scanned",
        "Put it back; or scan, embed and pair again with `art2mus dataset`.",
    )


@dataclass(frozen=True)
class Pack:
    """One data file.

    Attributes:
        name: of the file.
        rows: its pairs.
        sizes: bytes of each pair's media, 0 without media.
        media: where they are; None for a file without media.
    """

    name: str
    rows: Sequence[Joined]
    sizes: Sequence[int]
    media: Media | None

    def write(self, path: Path, captions: Captions, on_row: Callable[[], None]) -> None:
        """Write the file completely or not at all; one that is there and was made from the same rows is kept.

        Raises:
            DatasetError: a file of a pair is missing or has changed.
            OutputError: the file cannot be written.
        """
        import pyarrow as pa  # noqa: PLC0415  of the extra data
        from pyarrow import parquet  # noqa: PLC0415

        made_from = self._digest(captions)
        if _made_from(path) == made_from:
            for _ in self.rows:
                on_row()
            return
        schema = schema_of(embed=self.media is not None, made_from=made_from)
        with (
            refusals(path),
            replacing(path) as partial,
            parquet.ParquetWriter(partial, schema, compression="zstd", use_dictionary=False) as writer,
        ):
            for places in self._groups():
                rows = [self.rows[place] for place in places]
                group = [record_of(row, captions) | (self.media.read(row) if self.media else {}) for row in rows]
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
                for _ in group:
                    on_row()

    def _digest(self, captions: Captions) -> str:
        total = hashlib.sha256(str(self.media is None).encode())
        for row in self.rows:
            total.update(json.dumps(record_of(row, captions)).encode())
        return total.hexdigest()

    def _groups(self) -> Iterator[range]:
        """The rows of each row group."""
        for start, end in _runs(self.sizes, GROUP, ROWS):
            yield range(start, end)


def packs_of(rows: Sequence[Joined], media: Media | None) -> list[Pack]:
    """The data files of a release, split by split.

    Args:
        rows: the pairs.
        media: where the files are; None to leave them out.

    Raises:
        DatasetError: a file is missing.
    """
    packs = []
    for split in SPLITS:
        part = [row for row in rows if row.pair.split == split]
        sizes = [media.size(row) if media else 0 for row in part]
        runs = list(_runs(sizes, LARGEST, len(part)))
        for index, (start, end) in enumerate(runs):
            name = f"{split}-{index:05d}-of-{len(runs):05d}.parquet"
            packs.append(Pack(name, part[start:end], sizes[start:end], media))
    return packs


def _runs(sizes: Sequence[int], most: int, rows: int) -> Iterator[tuple[int, int]]:
    """Starts and ends of neighbours with at most so many bytes together, or with one row, and at most so many rows."""
    start = total = 0
    for place, size in enumerate(sizes):
        if place > start and (total + size > most or place - start == rows):
            yield start, place
            start, total = place, 0
        total += size
    if sizes:
        yield start, len(sizes)


def _made_from(path: Path) -> str:
    """What a data file was made from; empty if it is not there or not whole."""
    from pyarrow import ArrowException, parquet  # noqa: PLC0415

    try:
        return str((parquet.read_schema(path).metadata or {}).get(MADE_FROM, b"").decode())
    except (ArrowException, OSError, ValueError):
        return ""
