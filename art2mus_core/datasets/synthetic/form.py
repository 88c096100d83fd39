"""The form of a piece: tempo, bars and phrases that fill its length, with a last chord that rings."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ...character import Character

__all__ = ["Form", "Phrase", "evenness", "plan_form"]

SLOWEST, FASTEST = 56.0, 168.0
"""Beats a minute."""


@dataclass(frozen=True)
class Phrase:
    """A phrase.

    Attributes:
        letter: phrases of one letter have one melody; I is an introduction, C a coda.
        kind: how it ends: `open` on the dominant, `closed` on the tonic, `final` on the dominant seventh before the last
            chord, `contrast` as `open`; `intro` stays.
        first: its first bar.
        bars: number of its bars.
        turn: how often the letter came before.
        level: decibels relative to the piece.
        density: onsets relative to the piece.
    """

    letter: str
    kind: str
    first: int
    bars: int
    turn: int = 0
    level: float = 0.0
    density: float = 1.0


@dataclass(frozen=True)
class Form:
    """The form of a piece.

    Attributes:
        tempo: beats a minute.
        beats_per_bar: 3 or 4.
        phrases: in order.
        tail: beats for which the tonic is confirmed after the phrases, before the last chord.
        ring: seconds that the last chord rings.
    """

    tempo: float
    beats_per_bar: int
    phrases: tuple[Phrase, ...]
    tail: int
    ring: float

    @property
    def bars(self) -> int:
        return sum(phrase.bars for phrase in self.phrases)

    def phrase_at(self, bar: int) -> Phrase:
        """The phrase of a bar; the last one for the bar after it."""
        return next((one for one in self.phrases if one.first <= bar < one.first + one.bars), self.phrases[-1])


EVEN = {3: (3, 6, 9, 12), 4: (2, 4, 6, 8, 12, 16)}
"""Numbers of onsets in a bar that make an even rhythm, by beats in a bar."""


def evenness(count: float, beats: int) -> tuple[int, float]:
    """The nearest number of onsets in a bar that makes an even rhythm, and the logarithm of the distance."""
    count = max(0.5, count)
    best = min(EVEN[beats], key=lambda even: abs(math.log(count / even)))
    return best, abs(math.log(count / best))


def plan_form(character: Character, rng: np.random.Generator, seconds: float, triple: float, onsets: float) -> Form:
    """Choose meter, number of bars and tempo such that bars and ring are exactly `seconds` long.

    Args:
        character: decides the tempo; the seed varies it by a standard deviation of 9 %.
        rng: of the form.
        seconds: length of the piece.
        triple: probability of three beats in a bar.
        onsets: planned number of onsets; forms in whose bars they make an even rhythm are likelier.
    """
    usual = (62 + 84 * character.arousal) * math.exp(float(np.clip(rng.normal(0, 0.09), -0.18, 0.18)))
    wanted = float(np.clip(usual, SLOWEST + 2, FASTEST - 2))
    calm = 1 - character.arousal  # an energetic piece ends tightly, a calm one rings
    least = min(0.215 * math.sqrt(seconds), 0.22 * seconds) * (1 + 0.5 * calm)
    most = least * (1.35 + 0.25 * calm)
    options, weights = [], []
    for beats, share in ((3, triple), (4, 1 - triple)):
        for bars, tail in product(range(1, 60), range(beats)):
            slow, fast = (60 * (bars * beats + tail) / (seconds - ring) for ring in (least, most))
            tempo = float(np.clip(wanted, slow, fast))
            if tempo != wanted:  # somewhere in the range
                tempo *= (fast / slow) ** (rng.random() * (1 if tempo == slow else -1))
            likely = share * _common(bars) * (1.0 if tail % 2 == 0 else 0.5) * (1.0 if bars > 1 or seconds < 6 else 0.0)
            off = math.log(tempo / wanted) / 0.05
            far = max(0.0, math.log(SLOWEST / tempo), math.log(tempo / FASTEST)) / 0.01
            uneven = evenness(onsets / (bars + tail / beats), beats)[1] / 0.09
            options.append((beats, bars, tail, tempo))
            weights.append(likely * math.exp(-min(0.5 * off**2 + 0.5 * uneven**2 + far, 600)))
    chance = np.array(weights) + 1e-290
    beats, bars, tail, tempo = options[int(rng.choice(len(options), p=chance / chance.sum()))]
    ring = seconds - 60 * (bars * beats + tail) / tempo
    return Form(tempo, beats, _phrases(bars, rng), tail, ring)


def _common(bars: int) -> float:
    """How well a number of bars divides into phrases."""
    if bars in {1, 3, 5, 7}:
        return 0.3
    return 0.0 if bars % 2 else (0.5 if bars % 4 else 1.0)


def _phrases(bars: int, rng: np.random.Generator) -> tuple[Phrase, ...]:
    """Phrases of four bars, or shorter ones in short pieces, with contrast in the middle and the first melody at the end."""
    unit = 4 if bars >= 8 else 2
    count = bars // unit
    plan: list[tuple[str, str, int]] = []
    if bars <= 3:
        plan = [("A", "final", bars)]
    elif bars in {5, 7}:
        plan = [("A", "open", bars - 3), ("A", "final", 3)]
    elif bars == 6:
        plan = [("A", "open", 2), ("B", "contrast", 2), ("A", "final", 2)]
    else:
        if bars % unit:
            plan.append(("I", "intro", 2))
        plan += [(letter, kind, unit) for letter, kind in _letters(count)]
    loud = rng.random() < 0.6
    contrast = {"level": 2.5, "density": 1.1} if loud else {"level": -4.0, "density": 0.82}
    shapes: dict[str, dict[str, float]] = {
        "A": {},
        "B": contrast,
        "I": {"level": -4.0, "density": 0.8},
        "C": {"level": -1.0, "density": 0.85},
    }
    phrases: list[Phrase] = []
    first, seen = 0, dict.fromkeys("ABIC", 0)
    for letter, kind, length in plan:
        phrases.append(Phrase(letter, kind, first, length, seen[letter], **shapes[letter]))
        first, seen[letter] = first + length, seen[letter] + 1
    if count > 2:
        phrases = [replace(one, level=1.5) if one.letter == "A" and one.turn > 1 else one for one in phrases]
        phrases[0] = replace(phrases[0], level=phrases[0].level - 2.0)
    return tuple(phrases)


def _letters(count: int) -> list[tuple[str, str]]:
    """Letters and kinds of `count` phrases of equal length."""
    kinds = {"a": ("A", "open"), "A": ("A", "closed"), "B": ("B", "contrast"), "F": ("A", "final"), "C": ("C", "final")}
    forms = ("F", "aF", "aBF", "aABF", "aABAC", "aABBaF", "aABBaAC", "aABBaABF", "aABBaABAC", "aABBaABBaF")
    plan = forms[min(count, len(forms)) - 1]
    while len(plan) < count:
        plan = f"aA{plan}"
    plan = plan if len(plan) == count else f"a{plan[2:]}"
    return [kinds[letter] for letter in plan]
