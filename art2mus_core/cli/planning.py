"""Find the artworks that the user names, and plan which file each one's music is written to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ArtworkError, OutputError
from ..naming import name_files, take_name
from ..placing import check_absent, nearest_folder
from .outputs import check_file

if TYPE_CHECKING:
    from ..images.listing import Skipped

__all__ = ["Gathered", "Job", "batches", "gather", "plan", "without_replacing"]

LONGEST_NAME = 255
"""Longest file name in bytes that common file systems accept."""


@dataclass(frozen=True)
class Gathered:
    """Artworks, and the files in their folders that were skipped.

    Attributes:
        files: the artworks, each with its folder relative to the one that was named.
        several: whether their music needs a folder, even if there is only one.
        skipped: files that are not artworks.
        note: one line about these; may be empty.
    """

    files: tuple[tuple[Path, Path], ...]
    several: bool
    skipped: tuple[Skipped, ...] = ()
    note: str = ""


def gather(artworks: Sequence[Path], *, recursive: bool = False) -> Gathered:
    """The artworks named by files, and those in folders.

    Raises:
        ArtworkError: a folder contains no artwork.
    """
    from ..images.listing import describe_skipped, find_artworks

    files: list[tuple[Path, Path]] = []
    skipped: list[Skipped] = []
    for path in artworks:
        if not path.is_dir():
            files.append((path, Path()))
            continue
        listing = find_artworks(path, recursive=recursive)
        if not listing.artworks:
            note = describe_skipped(listing.skipped, 0)
            raise ArtworkError(
                f"{path} contains no picture{f' ({note})' if note else ''}", "at least one", "Choose another folder."
            )
        files += [(file, file.parent.relative_to(path)) for file in listing.artworks]
        skipped += listing.skipped
    note = describe_skipped(skipped, len(files))
    if any(each.path.is_dir() for each in skipped) and not recursive:
        note += "; --recursive searches folders"
    several = len(artworks) > 1 or any(path.is_dir() for path in artworks)
    return Gathered(tuple(files), several, tuple(skipped), note)


@dataclass(frozen=True)
class Job:
    """One artwork and the audio files to be made for it.

    Attributes:
        artwork: the picture.
        outputs: the file of its music, then those of further takes.
        note: why the file is not named like the artwork, if it is not.
    """

    artwork: Path
    outputs: tuple[Path, ...]
    note: str | None = None


def plan(found: Gathered, out: Path | None, takes: int = 1) -> list[Job]:
    """Plan the files for artworks' music.

    The music of one artwork is written to the file `out`, or into the folder `out`. Folders and several artworks need a
    folder: `out`, or the current one; subfolders are kept, and files are named by the stems of the artworks, in the default
    format. Equal stems in one folder are numbered, and long ones shortened.

    Args:
        found: the artworks.
        out: as above.
        takes: files for each artwork; further ones are ID--TAKE.

    Raises:
        OutputError: `out` is a file where a folder is needed, has an unknown suffix or cannot be written.
    """
    from ..audio.coding import KINDS

    suffixes = tuple(KINDS)
    if not found.several and out is not None and not out.is_dir():
        outputs = (out, *(out.with_stem(take_name(out.stem, str(number))) for number in range(2, takes + 1)))
        for path in outputs:
            check_file(path, suffixes)
        return [Job(found.files[0][0], outputs)]
    folder, suffix = out or Path(), suffixes[0]
    place = _check_folder(folder, suffixes)
    longest = min(LONGEST_NAME, os.pathconf(place, "PC_NAME_MAX")) if hasattr(os, "pathconf") else LONGEST_NAME
    groups: dict[Path, list[Path]] = {}
    for file, below in found.files:
        groups.setdefault(below, []).append(file)
    jobs = []
    for below, files in groups.items():
        for file, name in zip(
            files, name_files([file.stem for file in files], longest - len(suffix), takes), strict=True
        ):
            note = f"its music is called {name.stem}{suffix}, as {name.note}" if name.note else None
            outputs = tuple(folder / below / f"{stem}{suffix}" for stem in (name.stem, *name.takes))
            jobs.append(Job(file, outputs, note))
    return jobs


def without_replacing(jobs: Sequence[Job], *, several: bool) -> tuple[list[Job], list[Path]]:
    """The jobs that would replace no file, and the files that exist already.

    Raises:
        OutputError: a single artwork was named, and its file exists; in a folder the other jobs remain.
    """
    existing = {job: [path for path in job.outputs if os.path.lexists(path)] for job in jobs}
    kept = [path for found in existing.values() for path in found]
    if not several:
        check_absent(kept)
    return [job for job, found in existing.items() if not found], kept


def batches(jobs: Sequence[Job], size: int) -> list[Sequence[Job]]:
    """Jobs in groups of at most `size` that are composed together."""
    return [jobs[start : start + size] for start in range(0, len(jobs), size)]


def _check_folder(folder: Path, suffixes: tuple[str, ...]) -> Path:
    """The folder, or the existing one in which it will be made."""
    if folder.is_file() or (folder.suffix.lower() in suffixes and not folder.is_dir()):
        raise OutputError(f"{folder} is one file for several artworks", "a folder", "Choose a folder for the music.")
    nearest = nearest_folder(folder / "music")
    if not os.access(nearest, os.W_OK):
        raise OutputError(f"{folder} cannot be written to", "a folder you may write to", "Choose another place.")
    return nearest
