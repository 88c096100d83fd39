"""Proves for every row of a dataset that file, table, embedding and pair belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ..digests import file_digest
from ..types import OnStep, Step
from .captions import stored_captions
from .embedding import embed_rows
from .joining import trouble_of
from .roots import read_roots
from .shards import Spread
from .sides import TABLES
from .tables import PAIRS, ArtworkRow, MusicRow
from .vectors import Embedded, Vectors, read_vectors

__all__ = ["Audit", "audit"]

TOLERANCE = 1e-3
"""Largest difference in a unit vector between two computations of it, on other devices or with other threads."""


Again = Callable[[Sequence[Any]], Sequence[Embedded]]


@dataclass
class Audit:
    """What was compared, and what did not match.

    Attributes:
        compared: number of comparisons of each sort.
        mismatches: sentences.
    """

    compared: dict[str, int] = field(default_factory=dict)
    mismatches: list[str] = field(default_factory=list)

    def note(self, sort: str, trouble: str | None) -> None:
        """Count one comparison, and what is wrong with it."""
        self.compared[sort] = self.compared.get(sort, 0) + 1
        if trouble:
            self.mismatches.append(trouble)


def audit(
    folder: Path,
    space: str,
    checkpoint: Path | None,
    spread: Spread,
    *,
    every: int = 1,
    on_step: OnStep | None = None,
) -> Audit:
    """Compare every file, every embedding and every stored caption with its row, and every pair with both rows.

    Args:
        folder: the dataset.
        space: of its embeddings.
        checkpoint: encoders with which files are embedded again and compared; None leaves that out.
        spread: the engine.
        every: embed again only every so many files.
        on_step: called with the number of files.

    Raises:
        DatasetError: a table is missing, damaged or has another version.
    """
    found, known = Audit(), dict[str, dict[str, Any]]()
    for kind, table in TABLES.items():
        known[kind] = {row.id: row for row in table.read(folder / table.file)}
        rows = [row for row in known[kind].values() if row.fault is None]
        vectors = read_vectors(folder, kind, space)
        _compare_files(found, read_roots(folder)[kind].resolve(), rows, spread, on_step)
        _compare_vectors(found, kind, rows, vectors)
        _compare_captions(found, folder, kind, rows)
        if checkpoint is not None:
            again = partial(embed_rows, read_roots(folder)[kind].resolve(), kind, checkpoint, "cpu")
            _compare_again(found, kind, rows[::every], vectors, again)
    for pair in PAIRS.read(folder / PAIRS.file) if (folder / PAIRS.file).is_file() else ():
        trouble = trouble_of(pair, known["artworks"], known["music"])
        found.note("pairs", f"pair {pair.id} {trouble}" if trouble else None)
    return found


def _compare_files(
    found: Audit, root: Path, rows: Sequence[ArtworkRow | MusicRow], spread: Spread, on_step: OnStep | None
) -> None:
    digests: Iterator[str | None] = spread(partial(_digest, root), [row.path for row in rows])
    for number, (row, digest) in enumerate(zip(rows, digests, strict=True)):
        found.note("files", None if digest == row.file_sha256 else f"{row.path} is not the file that was scanned")
        if on_step:
            on_step(Step("audit", number + 1, len(rows)))


def _digest(root: Path, path: str) -> str | None:
    try:
        return file_digest(root / path)
    except OSError:
        return None


def _compare_vectors(found: Audit, kind: str, rows: Sequence[ArtworkRow | MusicRow], vectors: Vectors) -> None:
    contents = dict(zip(vectors.ids, vectors.contents, strict=True))
    for row in rows:
        content = contents.pop(row.id, None)
        trouble = "has no embedding" if content is None else "has the embedding of another file"
        found.note("embeddings", None if content == row.file_sha256 else f"{kind}: {row.id!r} {trouble}")
    for name in contents:
        found.note("embeddings", f"{kind}: the embedding of {name!r} has no row")


def _compare_captions(found: Audit, folder: Path, kind: str, rows: Sequence[ArtworkRow | MusicRow]) -> None:
    contents = {row.id: row.file_sha256 for row in rows}
    for origin, stored in stored_captions(folder, kind).items():
        for row in stored:
            matches = contents.get(row.id) == row.content
            found.note(
                "captions", None if matches else f"{kind}: {origin}'s caption of {row.id!r} is that of another file"
            )


def _compare_again(
    found: Audit, kind: str, rows: Sequence[ArtworkRow | MusicRow], vectors: Vectors, again: Again
) -> None:
    stored = dict(zip(vectors.ids, vectors.values, strict=True))
    for row in rows:
        (fresh,) = again([row])
        matches = row.id in stored and fresh.vector is not None and _alike(stored[row.id], fresh.vector)
        found.note("embedded again", None if matches else f"{kind}: {row.id!r} is embedded differently now")


def _alike(one: Float32[np.ndarray, " dim"], other: Float32[np.ndarray, " dim"]) -> bool:
    return bool(np.linalg.norm(one - other) <= TOLERANCE * np.linalg.norm(one))
