"""The shuffled control: every artwork gets the piece that a system made for another artwork of its group."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np

from ...audio.reading import read_audio
from ...errors import EvaluationError
from ...types import OnStep, Waveform
from ..records import Piece
from .system import System, Workshop

__all__ = ["ShuffledSystem", "partners"]


class ShuffledSystem(System):
    """`shuffled`: sounds exactly like the other system, but is unrelated to its artworks.

    Attributes:
        of: name of the other system.
        seed: seed of the shuffle.
    """

    seeded: ClassVar[bool] = False

    kind: Literal["shuffled"]
    of: str
    seed: int = 0

    def jobs(self, workshop: Workshop) -> list[Piece]:
        """A piece for every piece of the other system."""
        pairs = self._partners(workshop)
        others: dict[str, list[Piece]] = {}
        for job in workshop.jobs(self.of):
            others.setdefault(job.subject.id, []).append(job)
        return [replace(job, subject=workshop.subjects[own]) for own in others for job in others[pairs[own]]]

    def describe(self, workshop: Workshop) -> dict[str, Any]:  # noqa: ARG002
        """The other system; its own settings are part of its pieces' keys."""
        return {"kind": self.kind, "of": self.of, "shuffled_by": self.seed}

    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:
        """The other artwork's piece."""
        other = self._piece(job, workshop)
        return {"made_for": other.subject.id, "piece": workshop.key(self.of, other)}

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:  # noqa: ARG002
        """The other pieces, sample for sample."""
        for job in jobs:
            yield read_audio(workshop.place(self.of, self._piece(job, workshop)), mono=False)

    def _piece(self, job: Piece, workshop: Workshop) -> Piece:
        return replace(job, subject=workshop.subjects[self._partners(workshop)[job.subject.id]])

    def _partners(self, workshop: Workshop) -> dict[str, str]:
        groups: dict[str, set[str]] = {}
        for job in workshop.jobs(self.of):
            groups.setdefault(job.subject.group, set()).add(job.subject.id)
        return {own: other for ids in groups.values() for own, other in partners(ids, self.seed).items()}


def partners(ids: Collection[str], seed: int) -> dict[str, str]:
    """A partner for each id, never itself: one random cycle (Sattolo 1986).

    Raises:
        EvaluationError: fewer than two.
    """
    if len(ids) < 2:
        raise EvaluationError(
            f"only {', '.join(ids)} in a group that is shuffled",
            "at least two artworks in every group",
            "Add artworks, or remove the shuffled system.",
        )
    order = np.random.default_rng(seed).permutation(sorted(ids)).tolist()
    return dict(zip(order, [*order[1:], order[0]], strict=True))
