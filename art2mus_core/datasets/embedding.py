"""Embeds a dataset's artworks and music with the encoders of a checkpoint, in shards of vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..audio.reading import read_audio
from ..checkpoints.identity import component_digest
from ..encoders.files import image_component, image_space, load_audio_encoder, load_image_encoder
from ..errors import DatasetError
from ..images.reading import read_artwork
from ..types import OnStep
from .faults import OnFault, tried
from .known import of_same_file
from .roots import read_roots, scanned
from .shards import Shards, Spread
from .sides import TABLES
from .tables import ArtworkRow, MusicRow
from .vectors import EMBEDDINGS, Embedded, read_shard, write_shard

__all__ = ["embed", "embed_rows"]

BATCH = 16
"""Rows that an encoder gets at once."""


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
    network, paths = _network(kind, checkpoint, device), [scanned(root, row) for row in rows]
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
