"""Reads the pairs of a dataset folder in any known format: the table of readers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..errors import DatasetError
from .articaps import TEXT_PAIRS
from .joining import Joined, read_joined, read_rows
from .manifest import MANIFEST, SPLITS, Pair, read_manifest
from .roots import read_roots
from .tables import PAIRS, ArtworkRow, MusicRow, PairRow
from .utterances import read_utterances

__all__ = ["READERS", "read_any_rows", "read_pairs"]

READERS: dict[str, Callable[[Path], list[Pair]]] = {
    PAIRS.file: read_joined,
    TEXT_PAIRS.file: read_utterances,
    MANIFEST: read_manifest,
}
"""Name of the file that marks a format, to the function that reads a folder in that format."""


def read_pairs(folder: Path) -> list[Pair]:
    """Return all pairs of a dataset folder, checked.

    Raises:
        DatasetError: no file of a known format, or one that its reader refuses; an unknown split, or a path that leaves the folder.
    """
    for name, read in READERS.items():
        if (Path(folder) / name).is_file():
            pairs, roots = read(Path(folder)), [Path(folder), *read_roots(Path(folder)).values()]
            for pair in pairs:
                _check(pair, Path(folder) / name, roots)
            return pairs
    raise DatasetError(
        f"no {' or '.join(READERS)} in {folder}",
        "a dataset folder",
        "Make one with `art2mus dataset make` or `art2mus synthesize`.",
    )


def read_any_rows(folder: Path) -> list[Joined]:
    """Return all pairs of a dataset folder with the rows of both sides, which without tables say what is known of the pairs.

    Raises:
        DatasetError: as :func:`read_pairs` or :func:`~.joining.read_rows`.
    """
    if (folder / PAIRS.file).is_file():
        return read_rows(folder)
    return [_row(folder, pair) for pair in read_pairs(folder)]


def _row(folder: Path, pair: Pair) -> Joined:
    seen, heard = ((("caption", text),) if text else () for text in (pair.artwork_caption, pair.music_caption))
    return Joined(
        PairRow(pair.id, pair.artwork, pair.music, pair.split),
        ArtworkRow(pair.artwork, pair.artwork, licence=pair.licence, texts=seen, sha256=pair.artwork_sha256),
        MusicRow(
            pair.music,
            pair.music,
            licence=pair.licence,
            texts=heard,
            samples=round(pair.seconds * pair.sample_rate),
            sample_rate=pair.sample_rate,
        ),
        (folder / pair.artwork, folder / pair.music),
        pair.comments,
    )


def _check(pair: Pair, path: Path, roots: list[Path]) -> None:
    for place in (pair.artwork, pair.music):
        inside = any((roots[0] / place).is_relative_to(root) for root in roots)
        if not inside or ".." in Path(place).parts or "\\" in place:
            raise DatasetError(
                f"{path}: pair {pair.id} points to {place!r}", "a path inside the folder", "Correct the row."
            )
    if pair.split not in SPLITS:
        raise DatasetError(f"{path}: pair {pair.id} is in split {pair.split!r}", f"one of {SPLITS}", "Correct the row.")
