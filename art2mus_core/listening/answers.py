"""What a listener is shown, what they answer, and which answers are taken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import EvaluationError
from .design import QUESTIONS, Kind, Part

__all__ = ["HEARD", "Answer", "Page", "Turn", "UnknownTokenError", "check_heard", "check_values"]

HEARD = 0.8
"""Share of a piece that must have been heard before it can be judged."""


class UnknownTokenError(EvaluationError):
    """A listener or a page that this study did not make."""

    def __init__(self) -> None:
        super().__init__("a listener or page of another test", "one of this test", "Open the page anew.")


class Page(NamedTuple):
    """A trial as its listener may know it.

    Attributes:
        token: names the trial and its media; random.
        part: rating or ab.
        sounds: how many are heard.
        wanted: the answer that a check asks for.
    """

    token: str
    part: Part
    sounds: int
    wanted: int | None


class Turn(NamedTuple):
    """Where a listener stands; no page where all are done."""

    done: int
    total: int
    page: Page | None


class Answer(NamedTuple):
    """One answer to one question.

    Attributes:
        listener: number of the listener.
        part: rating or ab.
        kind: main, repeat or check.
        wanted: the answer that a check asks for.
        artwork: id.
        sounds: numbers of the sounds that were heard, in this order.
        systems: that made them.
        question: of :data:`.design.QUESTIONS`.
        value: 1 to 5; in comparisons 1 or 2, the place of the sound that was chosen.
    """

    listener: int
    part: Part
    kind: Kind
    wanted: int | None
    artwork: str
    sounds: tuple[int, ...]
    systems: tuple[str, ...]
    question: str
    value: int


def check_values(part: Part, values: Mapping[str, Any]) -> None:
    """Refuse answers that miss a question or lie off its scale.

    Raises:
        EvaluationError: which.
    """
    scales = QUESTIONS[part]
    if set(values) != set(scales):
        raise EvaluationError(
            f"answers to {', '.join(sorted(values)) or 'nothing'}", ", ".join(scales), "Answer every question."
        )
    for question, highest in scales.items():
        if type(values[question]) is not int or not 1 <= values[question] <= highest:
            raise EvaluationError(
                f"{values[question]!r} for {question}", f"a whole number from 1 to {highest}", "Choose one."
            )


def check_heard(heard: list[Any], sounds: int) -> None:
    """Refuse answers of somebody who did not listen.

    Raises:
        EvaluationError: another number of shares than of sounds, or one that is too small.
    """
    numbers = [share for share in heard if type(share) in (int, float) and math.isfinite(share)]
    if len(heard) != sounds or len(numbers) != sounds or min(numbers) < HEARD:
        raise EvaluationError(
            f"{heard} of the music was heard", f"at least {HEARD:g} of each of {sounds}", "Listen to it first."
        )
