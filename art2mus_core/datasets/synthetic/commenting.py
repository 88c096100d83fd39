"""Comments that viewers could have written about a picture, made from moods, and the characters that they change.

A mood has some of three axes. A comment speaks of the mood's axes only, and says either what is felt or what is seen. Moods follow
the picture only partly, so that neither the picture nor the words alone tell the music.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

import numpy as np

from ...character import Character
from .wording import KINDS, clause, one_of

__all__ = ["FOLLOWED", "PULL", "Mood", "comment", "comments_for", "draw_mood"]

FOLLOWED = 0.35
"""Share of the picture in a mood; the rest is independent of it."""

STRETCH = 1.4
"""How much further than their mean moods are from the middle, so that extremes are common."""

PULL = 0.85
"""Share of the mood in the character of the music, on the axes of which it speaks: who says something is heard."""

WARMEST, COOLEST = 0.9, 0.1
"""Warmth of the darkest and of the lightest mood."""

NONE = 0.15
"""Share of pairs without comments."""

COUNT = 8
"""Comments of each other pair. Those that viewers wrote about artworks (ArtEmis, Achlioptas et al. 2021) are at least five."""

SPOKEN = {
    (False, False, False): 0.04,
    (True, False, False): 0.15,
    (False, True, False): 0.14,
    (False, False, True): 0.12,
    (True, True, False): 0.25,
    (True, False, True): 0.1,
    (False, True, True): 0.1,
    (True, True, True): 0.1,
}
"""Shares of moods by the axes that they have: energy, pleasure, light. With none, the words change nothing."""

MORE, CHATTER, OPENING, CLOSING = 0.2, 0.12, 0.14, 0.1
"""Shares of comments with a further clause, with a clause that has no mood, with an opening and with a closing."""

PLAIN, UNSTOPPED, EXCLAIMED, MISTYPED = 0.25, 0.3, 0.12, 0.04
"""Shares of comments without capitals, without a last stop, with an exclamation mark, and with a typing error."""


@dataclass(frozen=True)
class Mood:
    """What a comment says, in 0..1; None for what it does not speak of.

    Attributes:
        energy: from still to frantic.
        pleasure: from grief to joy.
        light: from dark, heavy and deep to bright, airy and glittering.
    """

    energy: float | None = None
    pleasure: float | None = None
    light: float | None = None

    def character(self) -> dict[str, float]:
        """The values of a :class:`~art2mus_core.character.Character` of which the mood speaks; light is high and cool."""
        values = {"arousal": self.energy, "valence": self.pleasure, "height": self.light}
        if self.light is not None:
            values["warmth"] = WARMEST + (COOLEST - WARMEST) * self.light
        return {name: value for name, value in values.items() if value is not None}

    def blend(self, picture: Character) -> Character:
        """The character between a picture's and the mood, :data:`PULL` of the way from the picture."""
        seen = {name: getattr(picture, name) for name in self.character()}
        return replace(
            picture, **{name: seen[name] + PULL * (said - seen[name]) for name, said in self.character().items()}
        )


def draw_mood(character: Character, rng: np.random.Generator) -> Mood:
    """A mood that follows a picture's character partly; extremes are more common than the middle."""
    axes = list(SPOKEN)[int(rng.choice(len(SPOKEN), p=list(SPOKEN.values())))]
    free = rng.beta(0.5, 0.5, 3)
    mean = FOLLOWED * np.array([character.arousal, character.valence, character.height]) + (1 - FOLLOWED) * free
    drawn = np.clip(0.5 + STRETCH * (mean - 0.5), 0, 1)
    return Mood(*(float(value) if spoken else None for value, spoken in zip(drawn, axes, strict=True)))


def comment(mood: Mood, rng: np.random.Generator, kind: str | None = None) -> str:
    """A comment that speaks of everything in a mood and of nothing else.

    Args:
        mood: if it has no axis, the comment is chatter.
        rng: draws the words and their spelling.
        kind: `felt` or `seen`; by default one of them, equally often.
    """
    kind = kind or KINDS[int(rng.integers(2))]
    said = np.array([np.nan if value is None else value for value in astuple(mood)])
    missing, clauses = ~np.isnan(said), []
    while missing.any():
        words, told = clause(kind, said, missing, rng)
        clauses.append(words)
        missing &= ~told
    if clauses and rng.random() < MORE:
        clauses.append(clause(kind, said, ~np.isnan(said), rng)[0])
    clauses = [clauses[int(place)] for place in rng.permutation(len(clauses))]
    if not clauses or rng.random() < CHATTER:
        clauses.insert(int(rng.integers(len(clauses) + 1)), one_of("chatter", rng))
    return _spelt(_joined(clauses, rng), rng)


def comments_for(picture: Character, seed: int) -> tuple[tuple[str, ...], Character]:
    """The comments of a pair, none or `COUNT` of one mood, and the character that its music has with them."""
    rng = np.random.default_rng((seed, 5))
    if rng.random() < NONE:
        return (), picture
    mood = draw_mood(picture, rng)
    return tuple(comment(mood, rng) for _ in range(COUNT)), mood.blend(picture)


def _joined(clauses: list[str], rng: np.random.Generator) -> str:
    text = f"{one_of('opening', rng)} {clauses[0]}" if rng.random() < OPENING else clauses[0]
    for words in clauses[1:]:
        text += (" " if text.endswith("?") else one_of("joint", rng)) + words
    return text if text.endswith("?") or rng.random() >= CLOSING else text + one_of("closing", rng)


def _spelt(text: str, rng: np.random.Generator) -> str:
    """A text with a writer's habits of capitals, stops and typing."""
    plain, stop, typing = rng.random(3)
    if typing < MISTYPED:
        text = _mistyped(text, rng)
    if text[-1].isalnum() and stop >= UNSTOPPED:
        text += "!" if stop < UNSTOPPED + EXCLAIMED else "."
    if plain < PLAIN:
        return text.lower()
    for end in (". ", "? ", "! "):
        text = end.join(part[:1].upper() + part[1:] for part in text.split(end))
    return text


def _mistyped(text: str, rng: np.random.Generator) -> str:
    """A text with two letters swapped, or one left out, within a word."""
    inner = [at for at in range(1, len(text) - 2) if text[at - 1 : at + 3].isalpha()]
    if not inner:
        return text
    at = inner[int(rng.integers(len(inner)))]
    middle = text[at + 1] + text[at] if rng.random() < 0.6 else text[at + 1]
    return text[:at] + middle + text[at + 2 :]
