"""Results of a listening test: means and win rates with intervals, and agreement of listeners."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from jaxtyping import Int64

from ..evaluation.results import Measure, Result
from .agreement import alpha, crossed_interval
from .answers import Answer
from .design import QUESTIONS
from .store import Store

__all__ = ["MEASURES", "Findings", "Opinion", "findings"]

MOST_APART = 1.5
"""Largest mean difference between ratings and their hidden repeats; random answers have 1.6."""

_TITLES = {
    "quality": ("Quality, by listeners", "1 bad to 5 excellent."),
    "relevance": ("Fits the artwork, by listeners", "1 not at all to 5."),
    "expressiveness": ("Expressive, by listeners", "1 not at all to 5."),
    "preference": (
        "Preferred for the artwork, by listeners",
        "Share of its comparisons with other systems that the system won; 0.5 is chance.",
    ),
}
MEASURES = {
    f"listening:{name}": Measure(
        f"listening:{name}", title, "rating", "higher", f"{note} 95 % intervals over listeners and artworks."
    )
    for name, (title, note) in _TITLES.items()
}
"""Measures by key; their n is the number of answers."""


@dataclass(frozen=True)
class Opinion:
    """Results of a set of listeners.

    Attributes:
        listeners: number of listeners.
        figures: value of each measure (key of :data:`MEASURES`) for each system.
        wins: for each system and each other system, the share of their comparisons that the first won.
        alpha: Krippendorff's alpha by key; None if undefined.
    """

    listeners: int
    figures: dict[str, dict[str, Result]]
    wins: dict[str, dict[str, Result]]
    alpha: dict[str, float | None]


@dataclass(frozen=True)
class Findings:
    """Results of a study.

    Attributes:
        begun: number of listeners with at least one answer.
        finished: number of listeners who answered all pages.
        flagged: reason for each excluded listener, by number.
        kept: results of the other listeners, for publication.
        everyone: results of all listeners.
    """

    begun: int
    finished: int
    flagged: dict[int, str]
    kept: Opinion
    everyone: Opinion


def findings(store: Store, *, seed: int = 0) -> Findings:
    """Return the results of a study so far.

    Args:
        store: the open study.
        seed: seed of the bootstrap.
    """
    answers = store.answers()
    flagged = {
        listener: reason
        for listener, own in groupby(answers, key=lambda answer: answer.listener)
        if (reason := _inattention(list(own)))
    }
    kept = [answer for answer in answers if answer.listener not in flagged]
    begun = len({answer.listener for answer in answers})
    return Findings(begun, sum(store.listeners().values()), flagged, _opinion(kept, seed), _opinion(answers, seed))


def _inattention(answers: list[Answer]) -> str:
    """Return the reason to exclude a listener, "" if there is none."""
    missed = sum(answer.kind == "check" and answer.value != answer.wanted for answer in answers)
    if missed:
        return "failed an attention check"
    first = {(answer.sounds, answer.question): answer.value for answer in answers if answer.kind == "main"}
    apart = [abs(answer.value - first[answer.sounds, answer.question]) for answer in answers if answer.kind == "repeat"]
    if apart and sum(apart) / len(apart) > MOST_APART:
        return f"rated the same music with a mean difference of {sum(apart) / len(apart):.1f}"
    return ""


def _opinion(answers: list[Answer], seed: int) -> Opinion:
    systems: dict[str, dict[str, Result]] = {}
    agreement: dict[str, float | None] = {}
    mains = [answer for answer in answers if answer.kind == "main"]
    for question in QUESTIONS["rating"]:
        key, rated = f"listening:{question}", [answer for answer in mains if answer.question == question]
        if rated:
            ratings = [(answer, answer.systems[0], float(answer.value)) for answer in rated]
            agreement[key] = _agreement(ratings, "ordinal")
        for system, own in _by_system(rated).items():
            systems.setdefault(system, {})[key] = _result(own, [float(each.value) for each in own], seed)
    compared = [answer for answer in mains if answer.question == "preference"]
    if compared:
        # counted for both systems, as alpha would otherwise depend on which of a pair comes first
        sides = [(answer, system, _has_won(system, answer)) for answer in compared for system in answer.systems]
        agreement["listening:preference"] = _agreement(sides, "nominal")
    wins: dict[str, dict[str, Result]] = {}
    for system, own in _by_system(compared).items():
        systems.setdefault(system, {})["listening:preference"] = _win_rate(system, own, seed)
        pairs = _by_system(own)
        wins[system] = {other: _win_rate(system, pair, seed) for other, pair in pairs.items() if other != system}
    return Opinion(len({answer.listener for answer in answers}), systems, wins, agreement)


def _by_system(answers: Iterable[Answer]) -> dict[str, list[Answer]]:
    """Group answers by each of their systems, sorted."""
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        for name in answer.systems:
            found.setdefault(name, []).append(answer)
    return dict(sorted(found.items()))


def _win_rate(system: str, compared: list[Answer], seed: int) -> Result:
    return _result(compared, [_has_won(system, answer) for answer in compared], seed)


def _has_won(system: str, answer: Answer) -> float:
    return float(answer.systems[answer.value - 1] == system)


def _result(answers: list[Answer], values: list[float], seed: int) -> Result:
    listeners = np.array([answer.listener for answer in answers])
    artworks = _numbers([answer.artwork for answer in answers])
    low, high = crossed_interval(np.array(values), listeners, artworks, seed=seed) or (None, None)
    return Result(float(np.mean(values)), len(values), low, high)


def _agreement(ratings: list[tuple[Answer, str, float]], level: Literal["ordinal", "nominal"]) -> float | None:
    """Return alpha over ratings: an answer, the rated system, and the value."""
    return alpha(
        np.array([value for *_, value in ratings]),
        np.array([answer.listener for answer, *_ in ratings]),
        _numbers([f"{sorted(answer.sounds)} {system}" for answer, system, _ in ratings]),
        level=level,
    )


def _numbers(names: list[str]) -> Int64[np.ndarray, " names"]:
    """Return each name's number among the distinct ones."""
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
