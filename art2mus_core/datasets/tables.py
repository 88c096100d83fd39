"""The tables of a dataset, manifest version 2: `artworks.parquet`, `music.parquet` and `pairs.parquet`, one row each.

A row is a dataclass, and a column one of its fields, so the classes below are the schema. Tables are written and read in
batches of rows, because ArtSound has 105,884 of each. Rows name other rows by `id`. Paths of files are relative to a root that is no part
of the tables (`roots.py`). The file stores the version of the manifest; readers refuse other versions.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from ..errors import DatasetError
from ..placing import refusals, replacing
from .batching import ROWS, batches
from .items import Item

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "ARTWORKS",
    "ITEMS",
    "MUSIC",
    "PAIRS",
    "VERSION",
    "ArtworkRow",
    "MusicRow",
    "PairRow",
    "Table",
]

VERSION = "2"
AGAIN = "Make it again with this release."
ROOM = "Make room, and run the same command again; it resumes."


@dataclass(frozen=True)
class ArtworkRow(Item):
    """An artwork that was scanned.

    Attributes:
        file_sha256: of the file's content; None if it cannot be read.
        fault: why the file cannot be used, a kind and a sentence with a colon between them; None if it can.
        notes: what is wrong with a file that can be used.
        sha256: of the pixels (see `types.Artwork`).
        width: in pixels.
        height: in pixels.
        look: perceptual hash, 16 hexadecimal digits; similar pictures differ in few bits.
    """

    file_sha256: str | None = None
    fault: str | None = None
    notes: tuple[str, ...] = ()
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    look: str | None = None


@dataclass(frozen=True)
class MusicRow(Item):
    """A piece of music that was scanned.

    Attributes:
        file_sha256: of the file's content; None if it cannot be read.
        fault: why the file cannot be used, a kind and a sentence with a colon between them; None if it can.
        notes: what is wrong with a file that can be used.
        samples: decoded, in each channel.
        sample_rate: in hertz.
        channels: of the file.
        sound: hash of the decoded samples without the first ones, in which decoders differ.
    """

    file_sha256: str | None = None
    fault: str | None = None
    notes: tuple[str, ...] = ()
    samples: int | None = None
    sample_rate: int | None = None
    channels: int | None = None
    sound: str | None = None

    @property
    def length(self) -> float:
        """Decoded seconds, 0 if there are none."""
        return (self.samples or 0) / (self.sample_rate or 1)


@dataclass(frozen=True)
class PairRow:
    """A pair.

    Attributes:
        id: unique in the table.
        artwork: id of the artwork.
        music: id of the piece of music.
        split: `train`, `validation` or `test`.
        score: similarity by which they were paired; None if a list paired them.
        rank: of the piece among those most similar to the artwork, from 1 on; None if a list paired them.
        artwork_content: `file_sha256` of the artwork that was paired.
        music_content: of the music.
    """

    id: str
    artwork: str
    music: str
    split: str
    score: float | None = None
    rank: int | None = None
    artwork_content: str | None = None
    music_content: str | None = None


Row = TypeVar("Row", bound=Any)
"""A dataclass."""


@dataclass(frozen=True)
class Table(Generic[Row]):
    """A kind of table: the name of its file, and the class of its rows."""

    file: str
    row: type[Row]

    def schema(self) -> pa.Schema:
        """The columns, in the order of the fields."""
        import pyarrow as pa  # noqa: PLC0415  of the extra data

        hints = get_type_hints(self.row)
        columns = [_column(pa, field.name, hints[field.name]) for field in fields(self.row)]
        return pa.schema(columns, metadata={"art2mus_manifest": VERSION, "art2mus_rows": self.row.__name__})

    def write(self, path: Path, rows: Iterable[Row]) -> int:
        """Write a table completely or not at all, and return the number of its rows."""
        with self.writing(path) as write:
            return sum(map(write, batches(rows)))

    @contextmanager
    def writing(self, path: Path) -> Iterator[Any]:
        """A function that appends rows to a table and returns their number; the table is in place at the end of the block.

        Raises:
            OutputError: it cannot be written, as on a full disk.
        """
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        schema = self.schema()
        refused = partial(refusals, path.parent, ROOM)
        with replacing(path) as place:
            with refused():
                writer = parquet.ParquetWriter(place, schema, compression="zstd")

            def write(rows: Sequence[Row]) -> int:
                with refused():
                    writer.write_table(pa.Table.from_pylist([vars(row) for row in rows], schema=schema))
                return len(rows)

            try:
                yield write
            finally:
                with refused():
                    writer.close()

    def read(self, path: Path, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The rows of a table, few of them in memory at a time; fields that are not among `columns` keep their defaults.

        Raises:
            DatasetError: no Parquet table, one of another kind or version, or one with other columns.
        """
        from pyarrow import ArrowException  # noqa: PLC0415

        file = self._open(path)
        plural = {field.name for field in fields(self.row) if get_origin(get_type_hints(self.row)[field.name]) is tuple}
        try:
            for batch in file.iter_batches(ROWS, columns=None if columns is None else list(columns)):
                for row in batch.to_pylist():
                    values: dict[str, Any] = {name: tuple(v or ()) if name in plural else v for name, v in row.items()}
                    yield self.row(**values)
        except (ArrowException, OSError, UnicodeDecodeError) as error:
            raise _unreadable(path, error) from error

    def count(self, path: Path) -> int:
        """The number of rows.

        Raises:
            DatasetError: as :meth:`read`.
        """
        return int(self._open(path).metadata.num_rows)

    def _open(self, path: Path) -> Any:  # noqa: ANN401
        from pyarrow import ArrowException, parquet  # noqa: PLC0415

        if not path.is_file():
            raise DatasetError(f"no {path.name} in {path.parent}", "a table", "Make it with `art2mus dataset`.")
        try:
            file = parquet.ParquetFile(path)
        except (ArrowException, OSError) as error:
            raise _unreadable(path, error) from error
        stored = file.schema_arrow.metadata or {}
        version, rows = (stored.get(b"art2mus_" + name, b"none").decode() for name in (b"manifest", b"rows"))
        if (version, rows) != (VERSION, self.row.__name__) or not file.schema_arrow.equals(self.schema()):
            remedy = "Install a newer release." if version.isdigit() and int(version) > int(VERSION) else AGAIN
            raise DatasetError(
                f"{path} has manifest version {version}, rows {rows} and columns {', '.join(file.schema_arrow.names[:5])} ...",
                f"version {VERSION} and rows {self.row.__name__} with {', '.join(self.schema().names)}",
                remedy,
            )
        return file


ITEMS = Table("items.parquet", Item)
ARTWORKS = Table("artworks.parquet", ArtworkRow)
MUSIC = Table("music.parquet", MusicRow)
PAIRS = Table("pairs.parquet", PairRow)


def _column(pa: Any, name: str, hint: Any) -> pa.Field:  # noqa: ANN401
    """The column of a field: a list of texts, a map from texts to texts, or one value that may be missing."""
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        texts = pa.map_(pa.string(), pa.string()) if get_origin(inner) is tuple else pa.list_(pa.string())
        return pa.field(name, texts, nullable=False)
    optional = isinstance(hint, types.UnionType)
    kind = get_args(hint)[0] if optional else hint
    return pa.field(name, {str: pa.string(), float: pa.float64(), int: pa.int64()}[kind], nullable=optional)


def _unreadable(path: Path, error: Exception) -> DatasetError:
    return DatasetError(f"{path} cannot be read ({' '.join(str(error).split())})", "a Parquet table", AGAIN)
