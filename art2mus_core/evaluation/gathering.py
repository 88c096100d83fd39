"""The artworks of an evaluation with their real music, and music of no artwork, from wherever its configuration says."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..datasets.reading import read_pairs
from ..errors import ArtworkError, EvaluationError
from ..images.listing import Listing, describe_skipped, find_artworks, samples
from ..images.reading import read_artwork
from ..naming import same_name
from ..types import OnStep, Step
from .collection import SOUNDS
from .config import EvaluationConfig, Source
from .pairing import Ids
from .records import Subject

__all__ = ["gather_artworks", "gather_background", "skipped_files"]

LONGEST = 220
"""Bytes of an id: file names have 255, and takes, numbers and a suffix come behind it."""


def gather_artworks(
    config: EvaluationConfig,
    *,
    on_problem: Callable[[Path, str], None] | None = None,
    on_step: OnStep | None = None,
) -> dict[str, Subject]:
    """Artworks by id, sorted, each looked at once.

    An id is the file's stem or the pair's, with what file systems stumble over replaced; the second of a name becomes NAME-2.

    Args:
        config: says where they lie.
        on_problem: told of each picture that cannot be read, which is left out then.
        on_step: told of each.

    Raises:
        EvaluationError: a source without artworks, or a reference folder without music for any of them.
        ArtworkError: one cannot be read and nobody is to be told, or none can.
        DatasetError: a dataset that does not hold what it promises.
    """
    rows = [row for source in config.artworks for row in _artworks(source)]
    reference = _sounds(config.reference) if config.reference else {}
    ids, found = Ids(reference), []
    for number, (key, row) in enumerate(zip(_unique([row.id for row in rows]), rows, strict=True), start=1):
        music = row.music or reference.get(ids.find(row.id) or "")
        try:
            found.append(replace(row, id=key, sha256=read_artwork(row.picture).sha256, music=music))
        except ArtworkError as error:
            if on_problem is None or (number == len(rows) and not found):
                raise
            on_problem(row.picture, error.came)
        if on_step:
            on_step(Step("look", number, len(rows)))
    if reference and not any(ids.find(row.id) for row in rows):
        raise EvaluationError(
            f"none of the files in {config.reference} is named like an artwork",
            "ID.flac, ID being the stem of the picture",
            "Rename the files.",
        )
    return {subject.id: subject for subject in sorted(found, key=lambda each: each.id)}


def skipped_files(config: EvaluationConfig) -> list[str]:
    """A sentence on each folder of artworks that holds something else."""
    folders = [source for source in config.artworks if source.folder]
    said = [
        (source.folder, describe_skipped(found.skipped, len(found.artworks)))
        for source in folders
        for found in [_listing(source)]
    ]
    return [f"{folder}: {told}." for folder, told in said if told]


def gather_background(source: Source | None) -> dict[str, Path]:
    """Real music of no artwork here, by name.

    Raises:
        EvaluationError: the source holds none.
        DatasetError: a dataset that does not hold what it promises.
    """
    if source is None:
        return {}
    if source.dataset:
        found = {row.id: row.music for row in _pairs(source.dataset, source) if row.music}
    else:
        found = dict(list(_sounds(source.folder or Path()).items())[: source.count])
    if not found:
        raise EvaluationError(
            f"no music for the background in {source.dataset or source.folder}", "sound files", "Choose another source."
        )
    return dict(zip(_unique(list(found)), found.values(), strict=True))


def _listing(source: Source) -> Listing:
    return find_artworks(source.folder or Path(), recursive=source.recursive)


def _artworks(source: Source) -> list[Subject]:
    """What a source holds, not looked at yet."""
    if source.dataset:
        rows = list(_pairs(source.dataset, source))
    else:
        folder = source.folder or Path()
        paths = list(samples().values()) if source.samples else _listing(source).artworks
        group = source.group or ("samples" if source.samples else folder.resolve().name)
        rows = [Subject(path.stem, path, group) for path in paths[: source.count]]
    if not rows:
        raise EvaluationError(
            f"no artworks in {source.dataset or source.folder}", "at least one picture", "Choose another source."
        )
    return rows


def _pairs(folder: Path, source: Source) -> Iterator[Subject]:
    pairs = [pair for pair in read_pairs(folder) if pair.split == source.split]
    for pair in pairs[: source.count]:
        group = source.group or pair.source
        yield Subject(
            pair.id,
            folder / pair.artwork,
            group,
            caption=pair.artwork_caption,
            music=folder / pair.music,
            music_caption=pair.music_caption,
        )


def _sounds(folder: Path) -> dict[str, Path]:
    """Sound files by stem, sorted."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUNDS and path.name[0] != ".")
    except OSError as error:
        raise EvaluationError(
            f"{folder} cannot be listed ({error.strerror})", "a folder of music", "Check the path."
        ) from error
    found = {path.stem: path for path in files}
    if len(found) < len(files):
        twice = next(path for path in files if found[path.stem] != path)
        raise EvaluationError(
            f"{folder} has two files named {twice.stem}", "one file a name", "Remove or rename one of them."
        )
    return found


def _unique(stems: Sequence[str]) -> list[str]:
    """Names that every file system takes, none like another; `--` is left to takes."""
    names: list[str] = []
    taken: set[str] = set()
    for number, stem in enumerate(stems, start=1):
        safe = (
            re.sub(r"[^\w.()+-]+", "_", unicodedata.normalize("NFC", stem))[:100]
            .encode()[:LONGEST]
            .decode(errors="ignore")
            .strip("._-")
        )
        safe = re.sub(r"-{2,}", "-", safe) or f"artwork_{number}"
        again = (safe if time == 1 else f"{safe}-{time}" for time in range(1, number + 1))
        names.append(next(name for name in again if same_name(name) not in taken))
        taken.add(same_name(names[-1]))
    return names
