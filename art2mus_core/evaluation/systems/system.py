"""The interface of systems, and the state of a run that they share."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch

from ...configuration import Fields
from ...digests import file_digest, folder_digest
from ...errors import EvaluationError
from ...pipelines.stages import Resident
from ...types import OnStep, Waveform
from ..fields import Precision
from ..records import Piece, Subject

__all__ = ["System", "Workshop", "digest_of"]


class System(Fields):
    """A method that composes music for artworks, as configured. Each kind is a subclass."""

    seeded: ClassVar[bool] = True
    """Whether the piece depends on the seed."""

    kind: str

    def jobs(self, workshop: Workshop) -> list[Piece]:
        """The pieces for each artwork: one for each seed, or only one if the system is not seeded."""
        seeds = workshop.seeds if self.seeded else workshop.seeds[:1]
        takes = [(str(number) if number > 1 else "", seed) for number, seed in enumerate(seeds, start=1)]
        return [Piece(subject, take, take_seed=seed) for subject in workshop.subjects.values() for take, seed in takes]

    def tagged_seed(self, job: Piece) -> int:
        """The seed in a piece's tags; with the settings there, it is enough to compose the piece again."""
        return job.seed

    def files(self, workshop: Workshop) -> list[Path]:  # noqa: ARG002
        """Sound files that pieces are made from, other than the artworks' real music."""
        return []

    def describe(self, workshop: Workshop) -> dict[str, Any]:  # noqa: ARG002
        """All settings, resolved, and a digest of the weights: equal in two runs that make the same pieces.

        Raises:
            Art2MusError: the system cannot be used.
        """
        return {"kind": self.kind}

    @abstractmethod
    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:
        """The source of a piece, which becomes its tags.

        Raises:
            EvaluationError: it is missing.
        """

    @abstractmethod
    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:
        """The pieces [1, channels, N], one after the other; networks are loaded only during the iteration."""


@dataclass
class Workshop:
    """The state of a run.

    Attributes:
        out: the output folder.
        seconds: length of every piece.
        seeds: one for each take.
        subjects: artworks by id.
        systems: systems by name.
        dtype: precision of networks whose system has none in the configuration.
        resident: the caller's memory policy.
        left_out: files that cannot be read, with the reason; no pieces are made from them.
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
        """The precision of a system, or else the evaluation's."""
        return getattr(torch, named) if named else self.dtype

    def jobs(self, name: str) -> list[Piece]:
        """All pieces of a system, with their paths."""
        if name not in self._jobs:
            jobs = self.systems[name].jobs(self)
            self._jobs[name] = [replace(job, path=self.place(name, job)) for job in jobs]
        return self._jobs[name]

    def place(self, name: str, job: Piece) -> Path:
        """The path of a system's piece."""
        return self.out / name / f"{job.name}.flac"

    @cached_property
    def described(self) -> dict[str, dict[str, Any]]:
        """The description of each system, by name."""
        return {name: system.describe(self) for name, system in self.systems.items()}

    def key(self, name: str, job: Piece) -> str:
        """Identity of a piece: equal if source, system and settings are equal."""
        system = self.systems[name]
        seed = system.tagged_seed(job) if system.seeded else None
        parts = [self.described[name], system.source(job, self), seed, self.seconds]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def digest(self, *paths: Path) -> str:
        """Sixteen hexadecimal digits over the content of files and folders, each read once in a run."""
        for path in paths:
            if path not in self._digests:
                self._digests[path] = digest_of(path)
        return hashlib.sha256(" ".join(self._digests[path] for path in paths).encode()).hexdigest()[:16]


def digest_of(path: Path) -> str:
    """sha256 of a file, or of the names and contents of all files of a folder.

    Raises:
        EvaluationError: a missing file, or one that cannot be read.
    """
    try:
        return folder_digest(path) if path.is_dir() else file_digest(path)
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read ({error.strerror})", "a file", "Check the path.") from error
