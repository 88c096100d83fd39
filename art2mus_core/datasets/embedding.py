"""Embeds a dataset's artworks and music with the encoders of a checkpoint, in shards of vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32

from ..audio.reading import read_audio
from ..checkpoints.identity import component_digest
from ..encoders.files import image_component, image_space, load_audio_encoder, load_image_encoder
from ..errors import DatasetError, SettingError
from ..images.reading import read_artwork
from ..types import OnStep
from .faults import OnFault
from .known import of_same_file
from .roots import read_roots
from .shards import Shards, Spread, tried
from .tables import ARTWORKS, MUSIC, ArtworkRow, MusicRow, Table

__all__ = [
    "EMBEDDINGS",
    "TABLES",
    "Embedded",
    "Vectors",
    "embed",
    "embed_rows",
    "kinds",
    "read_shard",
    "read_vectors",
    "write_shard",
]

EMBEDDINGS = "embeddings"
TABLES: dict[str, Table[Any]] = {"artworks": ARTWORKS, "music": MUSIC}
BATCH = 16
"""Rows that an encoder gets at once."""

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


def embed(
    folder: Path,
    kind: str,
    checkpoint: Path,
    spread: Spread,
    *,
    device: str = "cpu",
    retry: bool = False,
    on_step: OnStep | None = None,
    on_fault: OnFault | None = None,
) -> dict[str, int]:
    """Embed the files without a fault of a dataset, in shards. An interrupted run resumes.

    Args:
        folder: the dataset, scanned.
        kind: `artworks` or `music`.
        checkpoint: folder of the encoders.
        spread: the engine.
        device: of the encoder.
        retry: try files that failed again, one by one.
        on_step: called with the number of files.
        on_fault: called with the row of each file that cannot be embedded.

    Returns:
        The number of rows, of vectors, and of rows with each kind of fault.

    Raises:
        CheckpointError: the checkpoint has no such encoder.
        DatasetError: the table is missing or damaged.
    """
    component = image_component(checkpoint) if kind == "artworks" else "audio_encoder"
    space, digest = image_space(checkpoint), component_digest(checkpoint, component)
    about = {"space": space, "encoder": digest}
    table, root = TABLES[kind], read_roots(folder)[kind].resolve()
    shards = Shards[ArtworkRow | MusicRow, Embedded](
        folder / EMBEDDINGS / f"{kind}-{space}",
        ".parquet",
        partial(write_shard, about),
        read_shard,
        lambda row: [row.id, row.file_sha256],
        about,
        of_same_file,
    )

    def usable() -> Iterator[ArtworkRow | MusicRow]:
        return (row for row in table.read(folder / table.file) if row.fault is None)

    count = sum(1 for _ in usable())
    work = partial(embed_rows, root, kind, checkpoint, device)
    telling: dict[str, Any] = {"on_step": on_step, "on_fault": on_fault}
    shards.run(usable(), count, work, spread, stage=f"embed {kind}", batch=BATCH, retry=retry, **telling)
    faults = shards.faults(count)
    return {"rows": count, "vectors": count - faults.total(), **dict(faults.most_common())}


def kinds(only: str | None) -> list[str]:
    """The kinds of items: both, or one of them.

    Raises:
        SettingError: another one.
    """
    if only is not None and only not in TABLES:
        raise SettingError(f"only {only!r}", " or ".join(TABLES), "Check the word.")
    return [only] if only else list(TABLES)


def read_vectors(folder: Path, kind: str, space: str) -> Vectors:
    """The embeddings of a dataset in a space.

    Raises:
        DatasetError: there are none, some are missing, or shards of different encoders lie side by side.
    """
    place = folder / EMBEDDINGS / f"{kind}-{space}"
    paths = sorted(place.glob("*.parquet"))
    if not paths:
        raise DatasetError(f"no embeddings in {place}", "shards of vectors", AGAIN)
    if incomplete := [path for path in paths if not path.with_suffix(".json").is_file()]:
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
    from pyarrow import parquet  # noqa: PLC0415

    files = [parquet.ParquetFile(path) for path in paths]
    dim = max(file.schema_arrow.field("vector").type.byte_width for file in files) // 4
    return np.empty((sum(file.metadata.num_rows for file in files), dim), np.float32)


def embed_rows(
    root: Path, kind: str, checkpoint: Path, device: str, rows: Sequence[ArtworkRow | MusicRow]
) -> list[Embedded]:
    """The embeddings of some rows; of each alone if one of them fails."""
    work = partial(_together, root, kind, checkpoint, device)
    return tried(work, rows, root, lambda row, fault: Embedded(row.id, row.file_sha256 or "", None, fault))


@torch.no_grad()
def _together(
    root: Path, kind: str, checkpoint: Path, device: str, rows: Sequence[ArtworkRow | MusicRow]
) -> list[Embedded]:
    network, paths = _network(kind, checkpoint, device), [root / row.path for row in rows]
    if kind == "artworks":
        values = network.encode([read_artwork(path) for path in paths]).values
    else:  # of different lengths
        values = torch.cat([network.encode(read_audio(path, mono=False)).values for path in paths])
    vectors = values.float().cpu().numpy()
    if not np.isfinite(vectors).all():
        raise DatasetError("an embedding that is not finite", "finite numbers", "Leave the file out.")
    return [Embedded(row.id, row.file_sha256 or "", vector) for row, vector in zip(rows, vectors, strict=True)]


@lru_cache(maxsize=1)
def _network(kind: str, checkpoint: Path, device: str) -> Any:  # noqa: ANN401  one of two protocols
    load: Callable[..., Any] = load_image_encoder if kind == "artworks" else load_audio_encoder
    return load(checkpoint, dtype=torch.float32).to(device).eval()


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
