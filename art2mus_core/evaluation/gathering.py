"""Gathers the artworks of an evaluation with their real music, and the background music, from the configured sources."""

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
from .collection import files_by_stem, list_sounds
from .config import EvaluationConfig, Source
from .pairing import Ids
from .records import Subject

__all__ = ["gather_artworks", "gather_background", "skipped_files"]

LONGEST = 220
"""Bytes of an id: a file name may have 255, and takes, numbers and a suffix are appended."""


def gather_artworks(
    config: EvaluationConfig,
    *,
    on_problem: Callable[[Path, str], None] | None = None,
    on_step: OnStep | None = None,
) -> dict[str, Subject]:
    """Artworks by id, sorted, with the hash of their pixels.

    An id is the file's stem or the pair's id, without characters that file systems refuse; a repeated name becomes NAME-2.

    Args:
        config: names the sources.
        on_problem: called with each picture that cannot be read and the reason; the picture is left out. If None, it raises.
        on_step: called after each picture.

    Raises:
        EvaluationError: a source without artworks, or a reference folder without music for any of them.
        ArtworkError: an artwork that cannot be read, without `on_problem`; or no artwork can be read.
        DatasetError: a dataset whose files do not match its manifest.
    """
    subjects = [subject for source in config.artworks for subject in _subjects(source)]
    reference = _sounds(config.reference) if config.reference else {}
    ids, found = Ids(reference), []
    keys = _unique([subject.id for subject in subjects])
    for number, (key, subject) in enumerate(zip(keys, subjects, strict=True), start=1):
        music = subject.music or reference.get(ids.find(subject.id) or "")
        try:
            found.append(replace(subject, id=key, sha256=read_artwork(subject.picture).sha256, music=music))
        except ArtworkError as error:
            if on_problem is None or (number == len(subjects) and not found):
                raise
            on_problem(subject.picture, error.came)
        if on_step:
            on_step(Step("read", number, len(subjects)))
    if reference and not any(ids.find(subject.id) for subject in subjects):
        raise EvaluationError(
            f"no file in {config.reference} is named like an artwork",
            "ID.flac, where ID is the stem of the picture",
            "Rename the files.",
        )
    return {subject.id: subject for subject in sorted(found, key=lambda each: each.id)}


def skipped_files(config: EvaluationConfig) -> Iterator[str]:
    """A sentence on each folder of artworks in which files were skipped."""
    for source in config.artworks:
        if source.folder:
            listing = _listing(source)
            if skipped := describe_skipped(listing.skipped, len(listing.artworks)):
                yield f"{source.folder}: {skipped}."


def gather_background(source: Source | None) -> dict[str, Path]:
    """Background music by name.

    Raises:
        EvaluationError: the source has none.
        DatasetError: a dataset whose files do not match its manifest.
    """
    if source is None:
        return {}
    if source.dataset:
        found = {subject.id: subject.music for subject in _pairs(source.dataset, source) if subject.music}
    else:
        found = dict(list(_sounds(source.folder or Path()).items())[: source.count])
    if not found:
        raise EvaluationError(
            f"no music for the background in {source.dataset or source.folder}", "sound files", "Choose another source."
        )
    return dict(zip(_unique(list(found)), found.values(), strict=True))


def _listing(source: Source) -> Listing:
    return find_artworks(source.folder or Path(), recursive=source.recursive)


def _sounds(folder: Path) -> dict[str, Path]:
    return files_by_stem(list_sounds(folder, required=True), str(folder))


def _subjects(source: Source) -> list[Subject]:
    """The artworks of a source, not read yet."""
    if source.dataset:
        subjects = list(_pairs(source.dataset, source))
    else:
        folder = source.folder or Path()
        paths = list(samples().values()) if source.samples else _listing(source).artworks
        group = source.group or ("samples" if source.samples else folder.resolve().name)
        subjects = [Subject(path.stem, path, group) for path in paths[: source.count]]
    if not subjects:
        raise EvaluationError(
            f"no artworks in {source.dataset or source.folder}", "at least one picture", "Choose another source."
        )
    return subjects


def _pairs(folder: Path, source: Source) -> Iterator[Subject]:
    pairs = [pair for pair in read_pairs(folder) if pair.split == source.split]
    for pair in pairs[: source.count]:
        yield Subject(
            pair.id,
            folder / pair.artwork,
            source.group or pair.source,
            caption=pair.artwork_caption,
            music=folder / pair.music,
            music_caption=pair.music_caption,
            comments=pair.comments,
        )


def _unique(stems: Sequence[str]) -> list[str]:
    """Names that every file system accepts, no two alike; `--` is reserved for takes."""
    names: list[str] = []
    taken: set[str] = set()
    for number, stem in enumerate(stems, start=1):
        clean = re.sub(r"[^\w.()+-]+", "_", unicodedata.normalize("NFC", stem))[:100]
        fitted = clean.encode()[:LONGEST].decode(errors="ignore").strip("._-")
        safe = re.sub(r"-{2,}", "-", fitted) or f"artwork_{number}"
        numbered = (safe if time == 1 else f"{safe}-{time}" for time in range(1, number + 1))
        names.append(next(name for name in numbered if same_name(name) not in taken))
        taken.add(same_name(names[-1]))
    return names
