"""The artworks' real music as a row of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from ...audio.reading import read_audio
from ...errors import EvaluationError
from ...types import OnStep, Waveform
from ..records import Piece
from .system import System, Workshop

__all__ = ["RealMusic", "ReferenceSystem"]


class RealMusic(System):
    """A system that needs real music; artworks without any have no piece."""

    seeded: ClassVar[bool] = False

    def jobs(self, workshop: Workshop) -> list[Piece]:
        """One piece for every artwork that has music.

        Raises:
            EvaluationError: none has any.
        """
        if jobs := [job for job in super().jobs(workshop) if job.subject.music]:
            return jobs
        raise EvaluationError(
            "a system of real music, of which there is none",
            "a `reference` folder or a dataset in the configuration",
            "Add one, or leave the system out.",
        )

    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:
        """The music."""
        return {"music_sha256": workshop.digest(self.music(job))}

    def music(self, job: Piece) -> Path:
        """The file.

        Raises:
            EvaluationError: there is none.
        """
        if job.subject.music is None:
            raise EvaluationError(
                f"no real music for {job.subject.id}", "a file of its id", "Add it to the reference folder."
            )
        return job.subject.music


class ReferenceSystem(RealMusic):
    """`reference`."""

    kind: Literal["reference"]

    def describe(self, workshop: Workshop) -> dict[str, Any]:  # noqa: ARG002
        """Nothing is done to the music but that it is cut."""
        return {"kind": self.kind}

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:  # noqa: ARG002
        """Mixed to one channel, and cut to the length of the others."""
        for job in jobs:
            yield read_audio(self.music(job)).cut(workshop.seconds)
