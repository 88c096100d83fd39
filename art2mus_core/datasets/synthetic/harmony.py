"""Harmony: modes, chords, the progression of a piece, and the voices of sustained chords."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from ...character import Character
from .form import Form, Phrase
from .progressions import PROGRESSIONS, length_key

__all__ = ["MODES", "Chord", "choose_mode", "harmonize", "nearest", "voice_chords"]

MODES = {
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "aeolian": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "ionian": (0, 2, 4, 5, 7, 9, 11),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
}
"""Semitones above the tonic, from dark to bright."""

ROOTS = {
    "I": (0, "M"),
    "i": (0, "m"),
    "bII": (1, "M"),
    "II": (2, "M"),
    "ii": (2, "m"),
    "iio": (2, "d"),
    "bIII": (3, "M"),
    "iii": (4, "m"),
    "IV": (5, "M"),
    "iv": (5, "m"),
    "V": (7, "M"),
    "V7": (7, "7"),
    "bVI": (8, "M"),
    "vi": (9, "m"),
    "bVII": (10, "M"),
    "Vs": (7, "s"),
}
"""Root above the tonic and kind of each chord."""

KINDS = {"M": (0, 4, 7), "m": (0, 3, 7), "d": (0, 3, 6), "7": (0, 4, 7, 10), "s": (0, 5, 7)}
LETTERS = {11: 10, 10: 11, 9: 8, 8: 9, 6: 5, 1: 2, 4: 3, 3: 4, 2: 1, 5: 6}
"""The degree that a tone outside the scale replaces."""

COLOURS = {
    "dorian": {"bVI": "IV"},
    "phrygian": {"iv": "bII", "bVI": "bII"},
    "mixolydian": {"IV": "bVII", "vi": "bVII"},
    "lydian": {"ii": "II", "vi": "II"},
}
"""The chords that state a rare mode, in place of usual ones."""


@dataclass(frozen=True)
class Chord:
    """A chord from a beat on.

    Attributes:
        name: Roman numeral.
        beat: beginning.
        beats: length.
        tones: semitones above the tonic, the root first.
        scale: the seven degrees that melodies use with it.
    """

    name: str
    beat: float
    beats: float
    tones: tuple[int, ...]
    scale: tuple[int, ...]

    @property
    def classes(self) -> frozenset[int]:
        return frozenset(tone % 12 for tone in self.tones)

    def holds(self, degree: int) -> bool:
        """Whether a degree of the scale, counted over octaves, is a tone of the triad."""
        return self.scale[degree % 7] in {tone % 12 for tone in self.tones[:3]}


def choose_mode(character: Character, rng: np.random.Generator) -> str:
    """Ionian or Aeolian by valence; with high tension, seldom another mode with the same third."""
    valence = character.valence + float(np.clip(rng.normal(0, 0.02), -0.04, 0.04))
    rare = rng.random() < 0.34 and character.tension > 0.7
    if valence >= 0.5:
        return ("lydian" if valence > 0.75 else "mixolydian") if rare else "ionian"
    return ("dorian" if valence > 0.25 else "phrygian") if rare else "aeolian"


def harmonize(character: Character, form: Form, mode: str, seventh: float, rng: np.random.Generator) -> list[Chord]:
    """The chords of a piece, in order, with the last chord."""
    third = "major" if 4 in MODES[mode] else "minor"
    graded = character.valence + float(rng.normal(0, 0.04))
    shade = (
        f"{'bright' if graded > 0.74 else 'mild'} major"
        if third == "major"
        else (f"{'mild' if graded > 0.27 else 'dark'} minor")
    )
    tension = character.tension + seventh + float(rng.normal(0, 0.05))
    drawn: dict[tuple[str, str, int], str] = {}
    chords: list[Chord] = []
    for phrase in form.phrases:
        key = (phrase.letter, phrase.kind, phrase.bars)
        if key not in drawn:
            choices = PROGRESSIONS[shade][length_key(phrase.kind, phrase.bars)]
            drawn[key] = choices[int(rng.integers(len(choices)))]
            drawn[key] = _coloured(drawn[key], mode, rng)
        chords += _chords(
            phrase, drawn[key], form.beats_per_bar, MODES["ionian" if third == "major" else "aeolian"], tension
        )
    tonic = "I" if third == "major" else "i"
    beat = float(form.bars * form.beats_per_bar)
    length = form.tail + form.ring * form.tempo / 60
    scale = MODES["ionian" if third == "major" else "aeolian"]
    return [*chords, Chord(tonic, beat, length, KINDS["M" if tonic == "I" else "m"], scale)]


def _coloured(progression: str, mode: str, rng: np.random.Generator) -> str:
    """Put one chord of a rare mode into a progression, not into its first or last bar."""
    colours = COLOURS.get(mode, {})
    bars = [bar.split() for bar in progression.split("|")]
    places = [(bar, at) for bar in range(1, len(bars) - 1) for at, name in enumerate(bars[bar]) if name in colours]
    if places:
        bar, at = places[int(rng.integers(len(places)))]
        bars[bar][at] = colours[bars[bar][at]]
    return "|".join(" ".join(bar) for bar in bars)


def _chords(
    phrase: Phrase, progression: str, beats_per_bar: int, scale: tuple[int, ...], tension: float
) -> list[Chord]:
    chords = []
    for number, names in enumerate(progression.split("|")):
        bar, listed = (phrase.first + number) * beats_per_bar, names.split()
        if listed == ["V"] and tension > 0.42 and phrase.kind in {"open", "contrast"}:
            listed = ["Vs", "V"]  # a suspension that resolves
        halves = [float(beats_per_bar)] if len(listed) == 1 else [2.0, float(beats_per_bar - 2)]
        for index, name in enumerate(listed):
            tones = _tones(name, tension, plain=number == 0 and index == 0)
            chords.append(Chord(name, bar + 2.0 * index, halves[index], tones, _scale(scale, tones)))
    return chords


def _tones(name: str, tension: float, *, plain: bool) -> tuple[int, ...]:
    """A chord's tones, with a seventh and a ninth at high tension; plain at the beginning of a phrase."""
    root, kind = ROOTS[name]
    tones = [root + step for step in KINDS[kind]]
    if kind == "M" and name == "V" and tension > 0.35:
        tones.append(root + 10)
    elif kind in "mM" and name not in {"I", "i", "V"} and tension > 0.5:
        tones.append(root + (10 if kind == "m" or name == "bVII" else 11))
    elif name in {"I", "i"} and tension > 0.62 and not plain:
        tones.append(14)
    if tension > 0.85 and name in {"V", "V7"}:
        tones.append(root + 13)
    return tuple(tones)


def _scale(scale: tuple[int, ...], tones: tuple[int, ...]) -> tuple[int, ...]:
    """The scale with a chord's tones in place of the degrees that they alter."""
    degrees = list(scale)
    for tone in tones:
        if tone % 12 not in degrees and LETTERS.get(tone % 12) in degrees:
            degrees[degrees.index(LETTERS[tone % 12])] = tone % 12
    if 11 in degrees and 8 in degrees and not {8, 20} & set(tones):
        degrees[degrees.index(8)] = 9  # melodies rise to the leading tone without an augmented second
    return tuple(degrees)


def nearest(pitch_class: int, centre: float) -> int:
    """The MIDI pitch of a pitch class nearest to `centre`."""
    return (
        int(round((centre - pitch_class) / 12) * 12 + pitch_class % 12)
        if pitch_class < 12
        else nearest(pitch_class % 12, centre)
    )


def voice_chords(chords: list[Chord], tonic: int, centre: float, voices: int = 3) -> list[tuple[int, ...]]:
    """Pitches of each chord near `centre`, moving as little as possible and never all voices by the same interval."""
    voiced: list[tuple[int, ...]] = []
    before: tuple[int, ...] | None = None
    for chord in chords:
        tones = list(chord.tones[:3])
        if voices > 3 and len(chord.tones) > 3:
            tones.append(chord.tones[3])
        options = [
            [nearest((tonic + tone) % 12, centre) + octave for octave in (-12, 0, 12)] for tone in dict.fromkeys(tones)
        ]
        best = min((tuple(sorted(choice)) for choice in product(*options)), key=lambda one: _cost(one, before, centre))
        voiced.append(best)
        before = best
    return voiced


def _cost(pitches: tuple[int, ...], before: tuple[int, ...] | None, centre: float) -> float:
    away = sum(abs(pitch - centre) for pitch in pitches) / len(pitches)
    width = pitches[-1] - pitches[0]
    close = sum(max(0, 3 - (high - low)) for low, high in pairwise(pitches))
    cost = 0.35 * away + 0.8 * max(0, width - 15) + 1.5 * close
    if before is not None:
        pairs = list(zip(pitches, before, strict=False))
        moves = {now - then for now, then in pairs}
        cost += sum(abs(now - then) for now, then in pairs)
        cost += 6.0 if len(moves) == 1 and moves != {0} else 0.0
    return cost
