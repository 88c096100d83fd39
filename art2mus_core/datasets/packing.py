"""Data files of a release: Parquet tables that the library `datasets` reads, with the pictures and sounds in them or without.

`Dataset.to_parquet` writes the paths of media and not the media, so this is pyarrow alone. The names of its features are told in the
metadata, as `datasets` does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DatasetError
from ..placing import refusals, replacing
from .facts import Captions
from .items import check_path
from .joining import Joined
from .manifest import SPLITS
from .tables import ArtworkRow, MusicRow

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["COLUMNS", "Media", "Pack", "packs_of"]

LARGEST = 500_000_000
"""Bytes of media in a file."""

GROUP, ROWS = 32_000_000, 256
"""Bytes of media and rows up to which a row group grows: what a reader has in memory at a time."""

COLUMN = 2**31 - 2**20
"""Bytes of one file that a row can hold."""

MADE_FROM = b"art2mus_rows"

ITEM = {
    "id": "unique on its side",
    "path": "of the file, relative to the folder of its source",
    "title": "of the work",
    "creator": "who made it",
    "year": "of the work",
    "genres": "styles and genres, the broadest first",
    "licence": "as the source states it",
    "attribution": "whom to name, and where it is from",
    "captions": "their origins and texts, the least specific first",
    "file_sha256": "of the file's content",
}
ARTWORK = ITEM | {"sha256": "of the upright sRGB pixels", "width": "in pixels", "height": "in pixels"}
MUSIC = ITEM | {"seconds": "decoded length", "sample_rate": "in hertz", "channels": "of the file"}
MEDIA = {"image": "Image", "audio": "Audio"}
"""Columns of files, and what `datasets` calls their features."""

COLUMNS = {
    "image": "the picture, as its file",
    "audio": "the sound, as its file",
    "id": "of the pair",
    "similarity": "cosine of the two embeddings; empty if a list paired them",
    "rank": "of the piece among those most similar to the artwork; empty if pairs were assigned or listed",
    **{f"artwork_{name}": text for name, text in ARTWORK.items()},
    **{f"music_{name}": text for name, text in MUSIC.items()},
}
"""What the columns of a release with media are."""

KINDS = {
    "year": "int64",
    "width": "int64",
    "height": "int64",
    "sample_rate": "int64",
    "channels": "int64",
    "rank": "int64",
    "seconds": "float64",
    "similarity": "float64",
}
"""Columns that are no texts."""


@dataclass(frozen=True)
class Media:
    """Where the files of a dataset are: the folders of `artworks` and of `music`."""

    roots: Mapping[str, Path]

    def size(self, row: Joined) -> int:
        """Bytes of a pair's two files.

        Raises:
            DatasetError: a file is missing, or larger than a row can hold.
        """
        total = 0
        for path in self._paths(row).values():
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
        for name, path in self._paths(row).items():
            try:
                content = path.read_bytes()
            except OSError as error:
                raise _changed(path, "cannot be read") from error
            if hashlib.sha256(content).hexdigest() != scanned[name]:
                raise _changed(path, "is not the file that was scanned")
            found[name] = {"bytes": content, "path": path.name}
        return found

    def _paths(self, row: Joined) -> dict[str, Path]:
        where = f"pair {row.pair.id}"
        return {
            "image": self.roots["artworks"] / check_path(row.artwork.path, where),
            "audio": self.roots["music"] / check_path(row.music.path, where),
        }


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
        schema = _schema(embed=self.media is not None, made_from=made_from)
        with (
            refusals(path),
            replacing(path) as partial,
            parquet.ParquetWriter(partial, schema, compression="zstd", use_dictionary=False) as writer,
        ):
            for places in self._groups():
                rows = [self.rows[place] for place in places]
                group = [_record(row, captions) | (self.media.read(row) if self.media else {}) for row in rows]
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
                for _ in group:
                    on_row()

    def _digest(self, captions: Captions) -> str:
        total = hashlib.sha256(str(self.media is None).encode())
        for row in self.rows:
            total.update(json.dumps(_record(row, captions)).encode())
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


def _record(row: Joined, captions: Captions) -> dict[str, Any]:
    """A row without its media."""
    pair = row.pair
    return {
        "id": pair.id,
        "similarity": pair.score,
        "rank": pair.rank,
        **{f"artwork_{name}": value for name, value in _item(row.artwork, ARTWORK, captions["artworks"]).items()},
        **{f"music_{name}": value for name, value in _item(row.music, MUSIC, captions["music"]).items()},
    }


def _item(
    item: ArtworkRow | MusicRow, names: Mapping[str, str], captions: Mapping[str, Sequence[tuple[str, str]]]
) -> dict[str, Any]:
    known: dict[str, Any] = {**vars(item), "genres": list(item.genres)}
    known["captions"] = [{"origin": origin, "text": text} for origin, text in captions.get(item.id, ())]
    if isinstance(item, MusicRow):
        known["seconds"] = item.length
    return {name: known[name] for name in names}


def _schema(*, embed: bool, made_from: str) -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415

    text = pa.string()
    types = {
        "genres": pa.list_(text),
        "captions": pa.list_(pa.struct([("origin", text), ("text", text)])),
        **{name: pa.type_for_alias(kind) for name, kind in KINDS.items()},
    }
    held = pa.struct([("bytes", pa.binary()), ("path", text)])
    columns = [
        (name, held if name in MEDIA else types.get(name.split("_", 1)[1] if "_" in name else name, text))
        for name in COLUMNS
        if embed or name not in MEDIA
    ]
    metadata = {MADE_FROM: made_from.encode()}
    if embed:
        features = {name: {"_type": feature} for name, feature in MEDIA.items()}
        metadata[b"huggingface"] = json.dumps({"info": {"features": features}}).encode()
    return pa.schema(columns, metadata=metadata)


def _made_from(path: Path) -> str:
    """What a data file was made from; empty if it is not there or not whole."""
    from pyarrow import ArrowException, parquet  # noqa: PLC0415

    try:
        return str((parquet.read_schema(path).metadata or {}).get(MADE_FROM, b"").decode())
    except (ArrowException, OSError, ValueError):
        return ""
