"""What a system is: something that makes a piece of music for an artwork, and can say from what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch

from ...configuration import Fields
from ...errors import EvaluationError
from ...pipelines.stages import Resident
from ...types import OnStep, Waveform
from ..fields import Precision
from ..records import Piece, Subject

__all__ = ["System", "Workshop", "digest_of"]


class System(Fields):
    """One way to make music for artworks, as a person's file describes it. A kind is a subclass in a file of its own."""

    seeded: ClassVar[bool] = True
    """Whether another seed makes another piece."""

    def jobs(self, workshop: Workshop) -> list[Piece]:
        """The pieces to be made for each artwork: one a seed, or one in all if a seed changes nothing."""
        seeds = workshop.seeds if self.seeded else workshop.seeds[:1]
        takes = [(str(number) if number > 1 else "", seed) for number, seed in enumerate(seeds, start=1)]
        return [Piece(subject, take, drawn=seed) for subject in workshop.subjects.values() for take, seed in takes]

    def files(self, workshop: Workshop) -> list[Path]:  # noqa: ARG002
        """Sound files of others that pieces are made from, beside the artworks' real music."""
        return []

    def describe(self, workshop: Workshop) -> dict[str, Any]:
        """All settings, resolved, and a digest of what computes: what two runs must share to make the same pieces.

        Raises:
            Art2MusError: the system cannot work here.
        """
        raise NotImplementedError

    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:
        """What a piece is made from, by names that become its tags.

        Raises:
            EvaluationError: it is not there.
        """
        raise NotImplementedError

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:
        """The pieces [1, channels, N] of jobs, one after the other; networks are open only while this goes on."""
        raise NotImplementedError


@dataclass
class Workshop:
    """Where systems work.

    Attributes:
        out: the folder that is written.
        seconds: length of every piece.
        seeds: of the takes.
        subjects: artworks by id.
        systems: by name.
        dtype: precision of networks whose system names none.
        resident: the caller's memory policy.
        left_out: files that cannot be read, and why; nothing is made of them.
    """

    out: Path
    seconds: float
    seeds: list[int]
    subjects: Mapping[str, Subject]
    systems: Mapping[str, System]
    dtype: torch.dtype = torch.float32
    resident: Resident = nullcontext
    left_out: dict[Path, str] = field(default_factory=dict)
    _digests: dict[Path, str] = field(default_factory=dict)
    _jobs: dict[str, list[Piece]] = field(default_factory=dict)

    def precision(self, named: Precision | None) -> torch.dtype:
        """The precision that a system names, or the evaluation's."""
        return getattr(torch, named) if named else self.dtype

    def jobs(self, name: str) -> list[Piece]:
        """All pieces of a system."""
        if name not in self._jobs:
            jobs = self.systems[name].jobs(self)
            self._jobs[name] = [replace(job, path=self.place(name, job)) for job in jobs]
        return self._jobs[name]

    def place(self, name: str, job: Piece) -> Path:
        """Where a system's piece lies."""
        return self.out / name / f"{job.name}.flac"

    @cached_property
    def described(self) -> dict[str, dict[str, Any]]:
        """What makes each system's pieces, by name."""
        return {name: system.describe(self) for name, system in self.systems.items()}

    def key(self, name: str, job: Piece) -> str:
        """Identity of a piece: equal if it would be made again from the same, by the same, in the same way."""
        system = self.systems[name]
        seed = job.seed if system.seeded else None
        parts = [self.described[name], system.source(job, self), seed, self.seconds]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def digest(self, *paths: Path) -> str:
        """Sixteen hexadecimal digits over the content of files and of folders, each read once a run."""
        for path in paths:
            if path not in self._digests:
                self._digests[path] = digest_of(path)
        return hashlib.sha256(" ".join(self._digests[path] for path in paths).encode()).hexdigest()[:16]


def digest_of(path: Path) -> str:
    """sha256 of a file, or of the names and contents of all files of a folder.

    Raises:
        EvaluationError: it is not there, or cannot be read.
    """
    try:
        if path.is_dir():
            files = sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith("."))
            rows = [f"{each.relative_to(path).as_posix()} {digest_of(each)}" for each in files]
            return hashlib.sha256("\n".join(rows).encode()).hexdigest()
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read ({error.strerror})", "a file", "Check the path.") from error
