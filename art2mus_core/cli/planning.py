"""From what was typed to a list of jobs: which artwork becomes which file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import OutputError
from ..naming import Name, name_files, take_name
from ..pipelines.settings import at_once
from ..placing import check_absent, nearest_folder
from .gathering import Gathered
from .outputs import check_file
from .starting import importing

__all__ = ["Job", "batches", "plan", "without_replacing"]

LONGEST_NAME = 255
"""Bytes of a file name that common file systems take."""


@dataclass(frozen=True)
class Job:
    """One artwork file and the audio files it becomes.

    Attributes:
        artwork: the picture.
        output: the file of its music.
        further: files of further takes, in their order.
        note: why the file is not called like the artwork, or nothing.
    """

    artwork: Path
    output: Path
    further: tuple[Path, ...] = ()
    note: str | None = None

    @property
    def outputs(self) -> tuple[Path, ...]:
        """All its files."""
        return (self.output, *self.further)


def plan(found: Gathered, out: Path | None, takes: int = 1) -> list[Job]:
    """Where the music of artworks goes.

    One artwork file goes to the file `out`, or into the folder `out`; folders and several artworks go into the folder
    `out` by their stems, below it in folders like those they lie in. Without `out` that folder is the current one. Equal
    stems in one folder are numbered, those that are too long are shortened, and the format is the default one.

    Args:
        found: the artworks.
        out: as above.
        takes: files for each artwork; further ones are ID--TAKE.

    Raises:
        OutputError: `out` is a file where a folder is needed, has an unknown suffix or cannot be written.
    """
    with importing():
        from ..audio.files import audio_suffixes

    suffixes = audio_suffixes()
    if not found.several and out is not None and not out.is_dir():
        job = Job(found.files[0], out, tuple(out.with_stem(take_name(out.stem, str(n))) for n in range(2, takes + 1)))
        for path in job.outputs:
            check_file(path, suffixes)
        return [job]
    folder, suffix = out or Path(), suffixes[0]
    room = _room(_check_folder(folder, suffixes)) - len(suffix)
    groups: dict[Path, list[Path]] = {}
    for file, below in zip(found.files, found.below, strict=True):
        groups.setdefault(below, []).append(file)
    return [
        _job(file, folder / below, name, suffix)
        for below, files in groups.items()
        for file, name in zip(files, name_files([file.stem for file in files], room, takes), strict=True)
    ]


def without_replacing(jobs: Sequence[Job], *, several: bool) -> tuple[list[Job], list[Path]]:
    """The jobs whose files are not there yet, and the files that are.

    Raises:
        OutputError: one artwork was named, and its files are there; of a folder the rest is composed.
    """
    there = {job: [path for path in job.outputs if os.path.lexists(path)] for job in jobs}
    if not several:
        check_absent([path for found in there.values() for path in found])
    return [job for job, found in there.items() if not found], [path for found in there.values() for path in found]


def batches(jobs: Sequence[Job], seconds: float, *, together: bool = True) -> list[Sequence[Job]]:
    """Jobs in groups that are composed together, or each alone."""
    size = at_once(seconds) if together else 1
    return [jobs[start : start + size] for start in range(0, len(jobs), size)]


def _check_folder(folder: Path, suffixes: tuple[str, ...]) -> Path:
    """The folder, or the one above it that it will be made in."""
    if folder.is_file() or (folder.suffix.lower() in suffixes and not folder.is_dir()):
        raise OutputError(f"{folder} is one file for several artworks", "a folder", "Choose a folder for the music.")
    nearest = nearest_folder(folder / "music")
    if not os.access(nearest, os.W_OK):
        raise OutputError(f"{folder} cannot be written to", "a folder you may write to", "Choose another place.")
    return nearest


def _room(folder: Path) -> int:
    """Bytes that a file name may have there."""
    return min(LONGEST_NAME, os.pathconf(folder, "PC_NAME_MAX")) if hasattr(os, "pathconf") else LONGEST_NAME


def _job(artwork: Path, folder: Path, name: Name, suffix: str) -> Job:
    further = tuple(folder / f"{stem}{suffix}" for stem in name.takes)
    note = f"its music is called {name.stem}{suffix}, as {name.note}" if name.note else None
    return Job(artwork, folder / f"{name.stem}{suffix}", further, note)
