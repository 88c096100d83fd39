"""Pages and answers of a listening test, and the checks of answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import EvaluationError
from .design import QUESTIONS, Kind, Part

__all__ = ["LEAST_PLAYED", "Answer", "Page", "Turn", "UnknownTokenError", "check_played", "check_values"]

LEAST_PLAYED = 0.8
"""Share of a piece that must be played before questions can be answered."""


class UnknownTokenError(EvaluationError):
    """A token of no listener or page of this study."""

    def __init__(self) -> None:
        super().__init__("a listener or page of another test", "one of this test", "Reload the page.")


class Page(NamedTuple):
    """A trial as sent to its listener.

    Attributes:
        token: random identifier of the trial and its media.
        part: rating or ab.
        sounds: number of sounds.
        wanted: the answer that an attention check asks for.
    """

    token: str
    part: Part
    sounds: int
    wanted: int | None


class Turn(NamedTuple):
    """A listener's progress and next page; None after the last."""

    done: int
    total: int
    page: Page | None


class Answer(NamedTuple):
    """One answer to one question.

    Attributes:
        listener: number of the listener.
        part: rating or ab.
        kind: main, repeat or check.
        wanted: the answer that an attention check asks for.
        artwork: id of the artwork.
        sounds: numbers of the sounds in their order on the page.
        systems: the systems of the sounds.
        question: key in :data:`.design.QUESTIONS`.
        value: 1 to 5; in comparisons 1 or 2, the position of the chosen sound.
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
    """Check that all questions are answered on their scales.

    Raises:
        EvaluationError: a missing or unknown question, or a value off its scale.
    """
    scales = QUESTIONS[part]
    if set(values) != set(scales):
        raise EvaluationError(
            f"answers to {', '.join(sorted(values)) or 'nothing'}", ", ".join(scales), "Answer every question."
        )
    for question, highest in scales.items():
        if type(values[question]) is not int or not 1 <= values[question] <= highest:
            raise EvaluationError(
                f"{values[question]!r} for {question}", f"an integer from 1 to {highest}", "Choose one."
            )


def check_played(shares: list[Any], sounds: int) -> None:
    """Check that enough of each sound was played.

    Raises:
        EvaluationError: a wrong number of shares, or one that is too small.
    """
    numbers = [share for share in shares if type(share) in (int, float) and math.isfinite(share)]
    if len(shares) != sounds or len(numbers) != sounds or min(numbers) < LEAST_PLAYED:
        raise EvaluationError(
            f"{shares} of the music was played", f"at least {LEAST_PLAYED:g} of each of {sounds}", "Listen to it first."
        )
