"""Feeling consistency as rated by a language model: each piece with its artwork, and with another one as the control."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..endpoints.client import Usage
from ..errors import EvaluationError
from ..evaluation.records import Collection
from ..types import OnStep, Step
from .cache import AnswerCache
from .client import RatingClient, Reply
from .plan import Pairing, Plan, likely_tokens
from .rubric import Answer

__all__ = ["Rating", "Ratings", "rate"]

PATIENCE = 3
"""Failures in a row after which the run stops."""


@dataclass(frozen=True)
class Rating:
    """The answer for a pair, or the reason why there is none."""

    pairing: Pairing
    answer: Answer | None
    problem: str = ""

    @property
    def feeling(self) -> int:
        """The rating, 1 to 5; 0 without an answer."""
        return self.answer.feeling if self.answer else 0


@dataclass(frozen=True)
class Ratings:
    """The outcome of a run.

    Attributes:
        rated: pairs with an answer.
        failed: pairs whose request gave no answer.
        usage: usage of this run, without cached answers.
        model: name of the model.
        described: whether the music was described instead of being sent.
        stopped: why the run stopped before the last pair; empty if it did not.
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
    client: RatingClient,
    cache: AnswerCache,
    *,
    budget: int | None = None,
    on_step: OnStep | None = None,
) -> Ratings:
    """Request all ratings of a plan that are not cached. An interrupted run can be continued.

    Args:
        collection: the pieces and their artworks.
        plan: its pairs.
        client: a client for the model.
        cache: the cache of answers.
        budget: number of tokens that must not be exceeded.
        on_step: called after each pair.

    Raises:
        EvaluationError: no answer at all, or the endpoint rejects the key or does not have the model.
        ArtworkError: an artwork that changed since the plan was made.
        AudioError: a piece that changed since then.
        OutputError: answers cannot be written.
    """
    rated, failed, usage, stopped, in_a_row = list[Rating](), list[Rating](), Usage(), "", 0
    for number, pairing in enumerate(plan.pairings, start=1):
        artwork, music = plan.evidence(pairing, collection)
        reply = Reply(cache.find(artwork, music), Usage())
        if reply.answer is None:
            likely = math.ceil(usage.tokens / usage.requests) if usage.tokens else likely_tokens(music)
            if budget is not None and usage.tokens + likely > budget:
                stopped = f"the next request would exceed the budget of {budget:,} tokens"
                break
            reply = client.ask(artwork, music)
            usage += reply.usage
            in_a_row = 0 if reply.answer else in_a_row + 1
            if reply.answer:
                cache.keep(artwork, music, reply.answer)
        (rated if reply.answer else failed).append(Rating(pairing, reply.answer, reply.problem))
        if in_a_row >= PATIENCE:
            stopped = f"{PATIENCE} requests in a row failed, the last with {reply.problem}"
            break
        if on_step:
            on_step(Step("rate", number, len(plan.pairings)))
    if not rated:
        raise EvaluationError(
            f"no answer from {client.endpoint.host} ({failed[-1].problem if failed else stopped})",
            "ratings",
            "Check the endpoint and the model (a model without audio input needs --describe), or raise --budget.",
        )
    return Ratings(tuple(rated), tuple(failed), usage, client.endpoint.model, plan.described, stopped)
