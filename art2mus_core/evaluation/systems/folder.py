"""Pieces that were made with other software."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from ...audio.reading import read_audio
from ...errors import EvaluationError
from ...types import OnStep, Waveform
from ..collection import SOUNDS
from ..fields import LocalPath
from ..records import Piece
from .system import System, Workshop

__all__ = ["FolderSystem"]


class FolderSystem(System):
    """`folder`: ID.flac, or another sound file, for every artwork; further takes as ID--2.flac and so on.

    Attributes:
        folder: folder of the sound files.
    """

    kind: Literal["folder"]
    folder: LocalPath

    def jobs(self, workshop: Workshop) -> list[Piece]:
        """The first piece for every artwork, and existing pieces of the other takes, without those that cannot be read."""
        jobs = [job for job in super().jobs(workshop) if not job.take or self._find(job)]
        return [job for job in jobs if self._find(job) not in workshop.left_out]

    def files(self, workshop: Workshop) -> list[Path]:
        """All existing sound files of the pieces."""
        return [path for job in super().jobs(workshop) if (path := self._find(job))]

    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:
        """The sound file."""
        return {"music_sha256": workshop.digest(self._file(job))}

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:  # noqa: ARG002
        """The sounds, cut to the length of the other pieces."""
        for job in jobs:
            yield read_audio(self._file(job), mono=False).cut(workshop.seconds)

    def _file(self, job: Piece) -> Path:
        if found := self._find(job):
            return found
        raise EvaluationError(
            f"no piece {job.name} in {self.folder}", "a sound file of that name for every artwork", "Add it."
        )

    def _find(self, job: Piece) -> Path | None:
        files = (self.folder / f"{job.name}{suffix}" for suffix in SOUNDS)
        return next((path for path in files if path.is_file()), None)
