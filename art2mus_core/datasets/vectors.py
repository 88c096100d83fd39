"""Shards of embeddings, as Parquet: written, and read into one array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from ..errors import DatasetError
from .known import read_note

__all__ = ["EMBEDDINGS", "Embedded", "Vectors", "read_shard", "read_vectors", "write_shard"]

EMBEDDINGS = "embeddings"
"""Folder of the shards, in which each side and space has a folder of its own."""

AGAIN = "Embed again with `art2mus dataset embed`."


@dataclass(frozen=True)
class Embedded:
    """The embedding of a row.

    Attributes:
        id: of the row.
        content: `file_sha256` of the row, by which an audit tells what was embedded.
        vector: [D]; None if there is none.
        fault: why there is none.
    """

    id: str
    content: str
    vector: Float32[np.ndarray, " dim"] | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Vectors:
    """The embeddings of the rows of a table that have one, in the table's order.

    Attributes:
        ids: of the rows.
        contents: `file_sha256` of the rows.
        values: [rows, D].
        space: the embedding space.
        encoder: digest of the encoder's weights.
    """

    ids: list[str]
    contents: list[str]
    values: Float32[np.ndarray, "rows dim"]
    space: str
    encoder: str


def read_vectors(folder: Path, kind: str, space: str) -> Vectors:
    """The embeddings of a dataset in a space.

    Raises:
        DatasetError: there are none, some are missing, or shards of different encoders lie side by side.
    """
    place = folder / EMBEDDINGS / f"{kind}-{space}"
    paths = sorted(place.glob("*.parquet"))
    if not paths:
        raise DatasetError(f"no embeddings in {place}", "shards of vectors", AGAIN)
    if incomplete := [path for path in paths if not read_note(path)]:
        raise DatasetError(f"{incomplete[0]} is not complete", "a shard with its note beside it", AGAIN)
    about = _about(paths[0])
    if others := [path for path in paths if _about(path) != about]:
        raise DatasetError(f"{others[0]} is from another encoder than {paths[0].name}", "shards of one encoder", AGAIN)
    ids, contents, values = list[str](), list[str](), _room(paths)
    for path in paths:  # one shard at a time in memory beside the result
        for result in read_shard(path):
            if result.vector is not None:
                values[len(ids)] = result.vector
                ids.append(result.id)
                contents.append(result.content)
    if not ids:
        raise DatasetError(f"{place} without a single vector", "files that can be embedded", "Scan the files.")
    return Vectors(ids, contents, values[: len(ids)], **about)


def _room(paths: Sequence[Path]) -> Float32[np.ndarray, "rows dim"]:
    """An array for the vectors of all shards."""
    from pyarrow import ArrowException, parquet  # noqa: PLC0415

    try:
        files = [parquet.ParquetFile(path) for path in paths]
        dim = max(file.schema_arrow.field("vector").type.byte_width for file in files) // 4
    except (ArrowException, OSError, KeyError, AttributeError, ValueError) as error:
        raise DatasetError(
            f"a shard in {paths[0].parent} cannot be read ({error})", "shards of vectors", AGAIN
        ) from error
    return np.empty((sum(file.metadata.num_rows for file in files), dim), np.float32)


def write_shard(about: Mapping[str, str], path: Path, results: Sequence[Embedded]) -> None:
    """Write a shard of vectors, with the space and the digest of the encoder in its schema."""
    import pyarrow as pa  # noqa: PLC0415  of the extra data
    from pyarrow import parquet  # noqa: PLC0415

    vectors = [None if each.vector is None else each.vector.astype("<f4").tobytes() for each in results]
    dim = max((len(vector) for vector in vectors if vector), default=4)
    columns = {
        "id": pa.array([each.id for each in results], pa.string()),
        "content": pa.array([each.content for each in results], pa.string()),
        "vector": pa.array(vectors, pa.binary(dim)),  # as lists of numbers they take many times longer
        "fault": pa.array([each.fault for each in results], pa.string()),
    }
    schema = pa.schema([(name, column.type) for name, column in columns.items()], metadata=dict(about))
    parquet.write_table(pa.table(columns, schema=schema), path, compression="zstd")


def read_shard(path: Path) -> list[Embedded]:
    """Read a shard of vectors.

    Raises:
        DatasetError: it cannot be read.
    """
    from pyarrow import ArrowException, parquet  # noqa: PLC0415

    try:
        rows = parquet.read_table(path).to_pylist()
        return [
            Embedded(
                row["id"],
                row["content"],
                None if row["vector"] is None else np.frombuffer(row["vector"], "<f4").astype(np.float32),
                row["fault"],
            )
            for row in rows
        ]
    except (ArrowException, OSError, KeyError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read ({error})", "a shard of vectors", AGAIN) from error


def _about(path: Path) -> dict[str, str]:
    from pyarrow import ArrowException, parquet  # noqa: PLC0415

    try:
        stored = parquet.read_schema(path).metadata or {}
        return {name: stored[name.encode()].decode() for name in ("space", "encoder")}
    except (ArrowException, OSError, KeyError) as error:
        raise DatasetError(f"{path} cannot be read ({error})", "a shard of vectors", AGAIN) from error
