"""From what was typed to a list of jobs: which artwork becomes which file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import OutputError
from ..pipelines.settings import at_once
from .gathering import Gathered
from .starting import importing

__all__ = ["Job", "batches", "check_file", "plan"]


@dataclass(frozen=True)
class Job:
    """One artwork file and the audio file it becomes."""

    artwork: Path
    output: Path


def plan(found: Gathered, out: Path | None) -> list[Job]:
    """Where the music of artworks goes.

    One artwork file goes to the file `out`, or into the folder `out`; folders and several artworks go into the folder
    `out` by their stems, below it in folders like those they lie in. Without `out` that folder is the current one. Equal
    stems in one folder are numbered, and the format is the default one.

    Raises:
        OutputError: `out` is a file where a folder is needed, has an unknown suffix or cannot be written.
    """
    with importing():
        from ..audio.files import audio_suffixes

    suffixes = audio_suffixes()
    if not found.several and out is not None and not out.is_dir():
        check_file(out, suffixes)
        return [Job(found.files[0], out)]
    folder = out or Path()
    _check_folder(folder, suffixes)
    groups: dict[Path, list[Path]] = {}
    for file, below in zip(found.files, found.below, strict=True):
        groups.setdefault(below, []).append(file)
    return [
        Job(file, folder / below / name)
        for below, files in groups.items()
        for file, name in zip(files, _names(files, suffixes[0]), strict=True)
    ]


def batches(jobs: Sequence[Job], seconds: float, *, together: bool = True) -> list[Sequence[Job]]:
    """Jobs in groups that are composed together, or each alone."""
    size = at_once(seconds) if together else 1
    return [jobs[start : start + size] for start in range(0, len(jobs), size)]


def check_file(path: Path, suffixes: tuple[str, ...]) -> None:
    """Refuse a file that cannot be written, before any work.

    Raises:
        OutputError: unknown suffix, no such folder, or one that cannot be written to.
    """
    from ..placing import check_place

    check_place(path, suffixes)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise OutputError(f"{path} cannot be written", "a file you may write", "Choose another place.")


def _check_folder(folder: Path, suffixes: tuple[str, ...]) -> None:
    if folder.is_file() or (folder.suffix.lower() in suffixes and not folder.is_dir()):
        raise OutputError(f"{folder} is one file for several artworks", "a folder", "Choose a folder for the music.")
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise OutputError(f"{folder} cannot be written to", "a folder you may write to", "Choose another place.")


def _names(files: Sequence[Path], suffix: str) -> list[str]:
    """A file name for each artwork, none twice on a file system that ignores case."""
    names: list[str] = []
    taken: set[str] = set()
    for file in files:
        stem, count = file.stem, 1
        while stem.casefold() in taken:
            count += 1
            stem = f"{file.stem}-{count}"
        taken.add(stem.casefold())
        names.append(stem + suffix)
    return names
