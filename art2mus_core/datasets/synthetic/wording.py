"""Words of viewers, each rated on the axes that it speaks of, and sentences made of them.

The words are in `configs/comments.json`: what viewers say they feel, and what they say they see. A rating is three values of 0..1,
or null for an axis of which the words say nothing: energy (still .. frantic), pleasure (grief .. joy) and light (dark and heavy ..
bright and airy). The ratings are our own, on the axes of Russell 1980 (arousal and valence) and Marks 1974 (brightness and size).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["COMMENTS", "FORMS", "KINDS", "Phrase", "clause", "frames", "one_of", "phrases"]

COMMENTS = Path(__file__).parents[2] / "configs" / "comments.json"

KINDS = ("felt", "seen")
FORMS = {"felt": ("adjective", "noun", "urge", "saying"), "seen": ("thing", "look", "event")}
"""Forms of words of each kind; each has frames of sentences of the same name."""

WIDTH = 0.1
"""Standard deviation of words' ratings around what is to be said."""

CLEAR = 0.2
"""Distance from the middle from which words can be intensified or negated."""

NEAR = 0.15
"""Largest distance between what is to be said and what the nearest intensified or negated words say."""

BARE = 0.2
"""Share of clauses that are the words alone."""

FAVOUR = 5.0
"""How much more often words are drawn for each further axis of which they speak."""

NEGATED = {"adjective": "unfelt", "look": "unlike", "noun": "without"}
"""Forms that can be negated, and the frames that negate them; all but nouns can be intensified, too."""


@dataclass(frozen=True)
class Degree:
    """A degree of words: how far it takes their rating from the middle, and how often it is tried."""

    scale: float
    share: float


DEGREES = {
    "plain": Degree(1.0, 0.58),
    "strong": Degree(1.2, 0.13),
    "weak": Degree(0.6, 0.12),
    "faint": Degree(0.1, 0.05),
    "negated": Degree(-0.7, 0.12),
}


@dataclass(frozen=True)
class Phrase:
    """Rated words: their text, form, and values of energy, pleasure and light, NaN where they say nothing."""

    text: str
    form: str
    rating: tuple[float, ...]

    def allows(self, degree: str) -> bool:
        """Whether a degree of these words is a way to say something else."""
        if degree == "plain" or self.form not in NEGATED or " " in self.text:
            return degree == "plain"
        rated = [value for value in self.rating if not np.isnan(value)]
        clear = min(abs(value - 0.5) for value in rated) >= CLEAR
        able = degree == "negated" or self.form != "noun"
        return clear and able and (degree in {"strong", "weak"} or len(rated) == 1)


@cache
def _data() -> dict[str, Any]:
    return json.loads(COMMENTS.read_text(encoding="utf-8"))


def frames(name: str) -> list[str]:
    """Frames of sentences, with `{}` for the words; or words that stand alone, such as openings."""
    return _data()["frames"][name]


@cache
def phrases(kind: str) -> tuple[Phrase, ...]:
    """All rated words of a kind."""
    return tuple(
        Phrase(text, form, tuple(np.nan if value is None else float(value) for value in group["rating"]))
        for group in _data()[kind]
        for form in FORMS[kind]
        for text in group.get(form, ())
    )


def clause(kind: str, said: np.ndarray, missing: np.ndarray, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """A clause that says some of what is to be said.

    Args:
        kind: `felt` or `seen`.
        said: energy, pleasure and light `[3]` to be said, NaN for what is not to be spoken of.
        missing: axes `[3]` of which the clause must say at least one.
        rng: draws words near `said`.

    Returns:
        The clause and the axes `[3]` of which it speaks.
    """
    degree = list(DEGREES)[int(rng.choice(len(DEGREES), p=[each.share for each in DEGREES.values()]))]
    able, weights, nearest = _weighed(kind, degree, said, missing)
    if degree != "plain" and nearest > NEAR:
        degree = "plain"
        able, weights, _ = _weighed(kind, degree, said, missing)
    phrase = able[int(rng.choice(len(able), p=weights / weights.sum()))]
    words = phrase.text if degree in {"plain", "negated"} else f"{one_of(degree, rng)} {phrase.text}"
    if degree == "negated":
        sentence = one_of(NEGATED[phrase.form], rng)
    else:
        sentence = "{}" if rng.random() < BARE else one_of(phrase.form, rng)
    return sentence.format(words), ~np.isnan(phrase.rating)


def one_of(name: str, rng: np.random.Generator) -> str:
    """One of the frames, or of the words that stand alone."""
    options = frames(name)
    return options[int(rng.integers(len(options)))]


def _weighed(
    kind: str, degree: str, said: np.ndarray, missing: np.ndarray
) -> tuple[tuple[Phrase, ...], np.ndarray, float]:
    """The words of a degree, their weights by what they say, and how far the nearest are from what is to be said."""
    able, ratings, favour = _able(kind, degree, tuple((~np.isnan(said)).tolist()), tuple(missing.tolist()))
    if not able:
        return able, favour, np.inf
    spoken = ~np.isnan(ratings)
    away = np.abs(np.where(spoken, ratings - said, 0))
    distance = ((away / WIDTH) ** 2).sum(1) / np.sqrt(spoken.sum(1))
    return able, favour * np.exp(-0.5 * distance), float(away.max(1).min())


@cache
def _able(
    kind: str, degree: str, axes: tuple[bool, ...], missing: tuple[bool, ...]
) -> tuple[tuple[Phrase, ...], np.ndarray, np.ndarray]:
    """The words that have a degree and speak of something missing and of nothing but some axes.

    Also their ratings `[n, 3]` with that degree, and how much they are favoured `[n]`.
    """
    able, ratings = _with_degree(kind, degree)
    spoken = ~np.isnan(ratings)
    fit = (spoken <= axes).all(1) & (spoken & missing).any(1)
    return tuple(able[row] for row in np.flatnonzero(fit)), ratings[fit], FAVOUR ** (spoken & missing).sum(1)[fit]


@cache
def _with_degree(kind: str, degree: str) -> tuple[tuple[Phrase, ...], np.ndarray]:
    able = tuple(phrase for phrase in phrases(kind) if phrase.allows(degree))
    ratings = np.array([phrase.rating for phrase in able])
    return able, np.clip(0.5 + DEGREES[degree].scale * (ratings - 0.5), 0, 1)
