"""Feeling consistency as a language model judges it: each piece with its artwork, and with another one as the control."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..errors import EvaluationError
from ..evaluation.records import Collection
from ..types import OnStep, Step
from .cache import AnswerCache
from .client import Judge, Usage
from .evidence import Heard, Seen
from .plan import Pairing, Plan, likely_tokens
from .rubric import Answer

__all__ = ["Rating", "Ratings", "rate"]

PATIENCE = 3
"""Failures in a row after which no more is asked."""


@dataclass(frozen=True)
class Rating:
    """What came of a pairing: an answer, or why there is none."""

    pairing: Pairing
    answer: Answer | None
    problem: str = ""

    @property
    def feeling(self) -> int:
        """The rating, 1 to 5; 0 where there is none."""
        return self.answer.feeling if self.answer else 0


@dataclass(frozen=True)
class Ratings:
    """What came of a plan.

    Attributes:
        rated: pairings with an answer.
        failed: pairings without one that were asked.
        usage: of this run; what the cache answers takes nothing.
        model: who answered.
        described: whether the music was described to it.
        stopped: why pairings are left that were not asked; empty if none are.
    """

    rated: tuple[Rating, ...]
    failed: tuple[Rating, ...]
    usage: Usage
    model: str
    described: bool
    stopped: str = ""


def rate(
    collection: Collection,
    plan: Plan,
    judge: Judge,
    cache: AnswerCache,
    *,
    budget: int | None = None,
    on_step: OnStep | None = None,
) -> Ratings:
    """Ask for everything in a plan that the cache does not answer. It can be stopped at any time and goes on from there.

    Args:
        collection: the pieces and their artworks.
        plan: of them.
        judge: who is asked.
        cache: where answers are found and kept.
        budget: tokens; before more are spent than that, it stops.
        on_step: told after each pairing.

    Raises:
        EvaluationError: nothing was answered, or the endpoint knows neither the key nor the model.
        ArtworkError: an artwork that changed since the plan was made.
        AudioError: a piece that did.
        OutputError: answers cannot be kept.
    """
    run = _Run(judge, cache, budget)
    for number, pairing in enumerate(plan.pairings, 1):
        run.take(pairing, *plan.evidence(pairing, collection))
        if run.stopped:
            break
        if on_step:
            on_step(Step("rate", number, len(plan.pairings)))
    if not run.rated:
        raise EvaluationError(
            f"no answer from {judge.endpoint.host} ({run.failed[-1].problem if run.failed else run.stopped})",
            "ratings",
            "Check the endpoint and the model (one that hears nothing needs --describe), or raise --budget.",
        )
    return Ratings(tuple(run.rated), tuple(run.failed), run.usage, judge.endpoint.model, plan.described, run.stopped)


@dataclass
class _Run:
    """Asks for one pairing after the other until it has to stop."""

    judge: Judge
    cache: AnswerCache
    budget: int | None
    rated: list[Rating] = field(default_factory=list)
    failed: list[Rating] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    stopped: str = ""
    in_a_row: int = 0

    def take(self, pairing: Pairing, seen: Seen, heard: Heard) -> None:
        if answer := self.cache.find(seen, heard):
            self.rated.append(Rating(pairing, answer))
            return
        if self.budget is not None and self.usage.tokens + self._likely(heard) > self.budget:
            self.stopped = f"the next request would exceed the budget of {self.budget:,} tokens"
            return
        verdict = self.judge.ask(seen, heard)
        self.usage += verdict.usage
        if verdict.answer:
            self.in_a_row = 0
            self.cache.keep(seen, heard, verdict.answer)
            self.rated.append(Rating(pairing, verdict.answer))
            return
        self.failed.append(Rating(pairing, None, verdict.problem))
        self.in_a_row += 1
        if self.in_a_row >= PATIENCE:
            self.stopped = f"{PATIENCE} requests in a row failed, the last with {verdict.problem}"

    def _likely(self, heard: Heard) -> int:
        """Tokens of the next request: what requests have taken so far, or the estimate."""
        counted = self.usage.tokens
        return math.ceil(counted / self.usage.requests) if counted else likely_tokens(heard)
