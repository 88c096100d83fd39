"""What listeners said: means and win rates with intervals, and how far listeners agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from jaxtyping import Int64

from ..evaluation.results import Figure, Measure
from .agreement import alpha, crossed_interval
from .answers import Answer
from .design import QUESTIONS
from .store import Store

__all__ = ["MEASURES", "Findings", "Opinion", "figures", "findings"]

MOST_APART = 1.5
"""Mean distance between a rating and its hidden repeat from which a listener is set aside; 1.6 is what answering at
random gives."""

_INTERVAL = "95 % intervals over listeners and artworks."
MEASURES = {
    measure.key: measure
    for measure in (
        Measure("listening:quality", "Quality, by listeners", "rating", "higher", f"1 bad to 5 excellent. {_INTERVAL}"),
        Measure(
            "listening:relevance",
            "Fits the artwork, by listeners",
            "rating",
            "higher",
            f"1 not at all to 5. {_INTERVAL}",
        ),
        Measure(
            "listening:expressiveness",
            "Expressive, by listeners",
            "rating",
            "higher",
            f"1 not at all to 5. {_INTERVAL}",
        ),
        Measure(
            "listening:preference",
            "Preferred for the artwork, by listeners",
            "rating",
            "higher",
            f"Share of its comparisons with other systems that the system won; 0.5 is chance. {_INTERVAL}",
        ),
    )
}
"""By key; n of their figures counts answers."""


@dataclass(frozen=True)
class Opinion:
    """What a set of listeners said.

    Attributes:
        listeners: how many.
        figures: system to key of :data:`MEASURES` to figure.
        wins: system to other system to the share of their comparisons that the first one won.
        alpha: Krippendorff's alpha by key; none where it is not defined.
    """

    listeners: int
    figures: dict[str, dict[str, Figure]]
    wins: dict[str, dict[str, Figure]]
    alpha: dict[str, float | None]


@dataclass(frozen=True)
class Findings:
    """What a study found.

    Attributes:
        begun: listeners with at least one answer.
        finished: listeners who answered everything.
        flagged: listeners who failed a check of attention, by number, and how.
        kept: what the others said; these are the figures to report.
        everyone: what all said.
    """

    begun: int
    finished: int
    flagged: dict[int, str]
    kept: Opinion
    everyone: Opinion


def findings(store: Store, *, seed: int = 0) -> Findings:
    """What a study found so far.

    Args:
        store: of the study.
        seed: of the bootstrap.
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


def figures(store: Store, *, seed: int = 0) -> dict[str, dict[str, Figure]]:
    """System to measure to figure, of attentive listeners: what an evaluation report shows; see :data:`MEASURES`."""
    return findings(store, seed=seed).kept.figures


def _inattention(answers: list[Answer]) -> str:
    """How a listener failed a check; empty if not at all."""
    missed = sum(answer.kind == "check" and answer.value != answer.wanted for answer in answers)
    if missed:
        return "did not give the answer that a page asked for"
    first = {(answer.sounds, answer.question): answer.value for answer in answers if answer.kind == "main"}
    apart = [abs(answer.value - first[answer.sounds, answer.question]) for answer in answers if answer.kind == "repeat"]
    if apart and sum(apart) / len(apart) > MOST_APART:
        return f"rated the same music {sum(apart) / len(apart):.1f} apart on average"
    return ""


def _opinion(answers: list[Answer], seed: int) -> Opinion:
    mains = [answer for answer in answers if answer.kind == "main"]
    shown: dict[str, dict[str, Figure]] = {}
    agreed: dict[str, float | None] = {}
    for question in QUESTIONS["rating"]:
        own = [answer for answer in mains if answer.question == question]
        if own:
            agreed[f"listening:{question}"] = _agreement(
                [(answer, answer.systems[0], float(answer.value)) for answer in own], "ordinal"
            )
        for system, rated in _by(own, lambda each: each.systems).items():
            values = [float(each.value) for each in rated]
            shown.setdefault(system, {})[f"listening:{question}"] = _figure(rated, values, seed)
    compared = [answer for answer in mains if answer.question == "preference"]
    if compared:
        # From both systems' sides: alpha would else depend on which of a pair is called the first.
        sides = [(answer, system, _has_won(system, answer)) for answer in compared for system in answer.systems]
        agreed["listening:preference"] = _agreement(sides, "nominal")
    wins: dict[str, dict[str, Figure]] = {}
    for system, own in _by(compared, lambda each: each.systems).items():
        shown.setdefault(system, {})["listening:preference"] = _won(system, own, seed)
        for other, pair in _by(own, lambda each: each.systems).items():
            if other != system:
                wins.setdefault(system, {})[other] = _won(system, pair, seed)
    return Opinion(len({answer.listener for answer in answers}), shown, wins, agreed)


def _by(answers: Iterable[Answer], names: Callable[[Answer], Iterable[str]]) -> dict[str, list[Answer]]:
    """Answers by each of their names, sorted."""
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        for name in names(answer):
            found.setdefault(name, []).append(answer)
    return dict(sorted(found.items()))


def _won(system: str, compared: list[Answer], seed: int) -> Figure:
    return _figure(compared, [_has_won(system, answer) for answer in compared], seed)


def _has_won(system: str, answer: Answer) -> float:
    return float(answer.systems[answer.value - 1] == system)


def _figure(answers: list[Answer], values: list[float], seed: int) -> Figure:
    listeners = np.array([answer.listener for answer in answers])
    artworks = _numbers([answer.artwork for answer in answers])
    low, high = crossed_interval(np.array(values), listeners, artworks, seed=seed) or (None, None)
    return Figure(float(np.mean(values)), len(values), low, high)


def _agreement(judged: list[tuple[Answer, str, float]], level: Literal["ordinal", "nominal"]) -> float | None:
    """Alpha over what was judged: the answer, the system it speaks of, and what it says of it."""
    return alpha(
        np.array([value for *_, value in judged]),
        np.array([answer.listener for answer, *_ in judged]),
        _numbers([f"{sorted(answer.sounds)} {system}" for answer, system, _ in judged]),
        level=level,
    )


def _numbers(names: list[str]) -> Int64[np.ndarray, " names"]:
    """Each name's place among the different ones."""
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
