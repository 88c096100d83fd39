"""What all parts of a piece share: its form, its chords, the slots of the grid that sound, and its dynamics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...character import Character
from .bands import Band
from .form import Form, evenness
from .harmony import Chord
from .notes import Note

__all__ = ["Sketch", "onset_rate", "planned_onsets", "sounding_slots"]

SLOWEST, TIMES = 0.95, 7.6
"""Onsets a second of a piece at arousal 0, and how many times as many at arousal 1."""

HUMAN = 0.0015
"""Standard deviation in seconds of the players' timing; four times that at most."""


def onset_rate(character: Character) -> float:
    """Onsets a second of a piece of this character, before the seed's variation."""
    return SLOWEST * TIMES**character.arousal


@dataclass(frozen=True)
class Sketch:
    """A piece before its notes.

    Attributes:
        character: what the piece is composed for.
        seed: of the piece.
        band: who plays.
        form: tempo, bars and phrases.
        chords: in order, with the last one.
        subdivision: slots in a beat.
        slots: for each bar, the slots on which something begins, in order; those of the tail at the end.
    """

    character: Character
    seed: int
    band: Band
    form: Form
    chords: list[Chord]
    subdivision: int
    slots: list[tuple[int, ...]]

    @property
    def tonic(self) -> int:
        return self.character.tonic

    @property
    def slots_per_bar(self) -> int:
        return self.form.beats_per_bar * self.subdivision

    @cached_property
    def end(self) -> float:
        """The beat on which the tonic is reached for the last time."""
        return float(self.form.bars * self.form.beats_per_bar)

    @property
    def last(self) -> float:
        """The beat of the last chord."""
        return self.end + self.form.tail

    @property
    def legato(self) -> float:
        """Length of a note relative to its distance from the next one."""
        return 1.0 - 0.62 * self.character.detachment

    def rng(self, part: str) -> np.random.Generator:
        """The random numbers of a part, independent of all others."""
        return np.random.default_rng((self.seed, *part.encode()))

    def beat(self, bar: int, slot: int) -> float:
        return bar * self.form.beats_per_bar + slot / self.subdivision

    def chord_at(self, beat: float) -> Chord:
        found = self.chords[0]
        for chord in self.chords:
            if chord.beat > beat + 1e-6:
                break
            found = chord
        return found

    def sounds(self, bar: int, slot: int) -> bool:
        return slot in self.slots[bar]

    def decibels(self, beat: float) -> float:
        """Dynamics at a beat: the phrase's level and arch, a crescendo to the last cadence, and the metre's accents."""
        if beat >= self.last:
            return 2.0
        if beat >= self.end:
            return 0.5
        bar = int(beat // self.form.beats_per_bar)
        phrase = self.form.phrase_at(bar)
        place = (beat / self.form.beats_per_bar - phrase.first) / phrase.bars
        level = phrase.level + 6.0 * math.sin(math.pi * min(1.0, 0.1 + 0.95 * place)) - 4.0
        if phrase.kind == "final":
            level += 6.0 * max(0.0, place - 0.5)
        slot = round((beat - bar * self.form.beats_per_bar) * self.subdivision)
        return level + self.accent(slot)

    def accent(self, slot: int) -> float:
        """Decibels of a slot by its place in the bar."""
        if slot == 0:
            return 2.0
        if slot % self.subdivision == 0:
            half = self.form.beats_per_bar == 4 and slot == 2 * self.subdivision
            return 0.8 if half else -0.5
        return -1.5 if 2 * (slot % self.subdivision) == self.subdivision else -2.5

    def velocity(self, beat: float, more: float = 0.0) -> float:
        """The velocity of a note that begins at a beat, `more` decibels louder than usual."""
        base = 0.46 + 0.26 * self.character.arousal
        return float(np.clip(base * 10 ** ((self.decibels(beat) + more) / 32), 0.05, 1.0))

    def rests_after(self, chord: Chord) -> bool:
        """Whether a chord ends a phrase after which everybody breathes."""
        bar = int((chord.beat + chord.beats - 0.01) // self.form.beats_per_bar)
        if chord.beat >= self.end:
            return False
        phrase = self.form.phrase_at(bar)
        last = chord.beat + chord.beats >= (phrase.first + phrase.bars) * self.form.beats_per_bar - 0.01
        return last and phrase.kind in {"open", "closed", "contrast"}

    def play(
        self, part: str, span: tuple[float, float], pitch: int, rng: np.random.Generator, more: float = 0.0
    ) -> Note:
        """A note with the dynamics of its beat and a player's timing; `span` is its beat and its length in beats."""
        beat, beats = span
        shift = float(np.clip(rng.normal(0, HUMAN), -4 * HUMAN, 4 * HUMAN))
        return Note(part, beat, beats, pitch, self.velocity(beat, more), max(0.0, shift) if beat == 0 else shift)


def planned_onsets(character: Character, seconds: float, rng: np.random.Generator) -> float:
    """The number of onsets of a piece: its rate varies by 2 % with the seed."""
    return onset_rate(character) * math.exp(float(np.clip(rng.normal(0, 0.02), -0.04, 0.04))) * seconds


def sounding_slots(
    form: Form,
    chords: list[Chord],
    subdivision: int,
    onsets: float,
    rng: np.random.Generator,
) -> list[tuple[int, ...]]:
    """Choose for each bar the slots on which something begins, so that the piece has its onset rate.

    Changes of the chord come before other beats, beats before offbeats and these before finer slots. Bars have one even
    rhythm for each letter of the form; what is then too many or too few onsets makes the last bars of phrases breathe or
    drive.
    """
    tail = form.tail / form.beats_per_bar
    total = max(1.0, onsets - 1) * form.bars / (form.bars + tail)
    letters = [phrase.letter for phrase in form.phrases for _ in range(phrase.bars)]
    density = {phrase.letter: phrase.density for phrase in form.phrases}
    scale = total / sum(density[letter] for letter in letters)
    size = form.beats_per_bar * subdivision
    usual = {letter: min(size, evenness(scale * share, form.beats_per_bar)[0]) for letter, share in density.items()}
    counts = [usual[letter] for letter in letters]
    _balance(counts, round(total), form, size)
    orders = {letter: _order(form.beats_per_bar, subdivision, rng) for letter in "AB"}
    chosen = []
    for bar, (letter, count) in enumerate(zip(letters, counts, strict=True)):
        first = bar * form.beats_per_bar
        changes = [
            round((chord.beat - first) * subdivision)
            for chord in chords
            if 0 <= chord.beat - first < form.beats_per_bar
        ]
        order = orders["B" if letter == "B" else "A"]
        if count < usual[letter] and form.phrase_at(bar).bars > 2:  # a breath: what is late falls silent
            late = [slot for slot in order[: usual[letter]] if slot >= 0.75 * len(order)]
            order = [*(slot for slot in order if slot not in late), *late]
        order = [*changes, *(slot for slot in order if slot not in changes)]
        chosen.append(tuple(sorted(order[: max(count, len(changes))])))
    tail_slots = order[: usual["A"]] if (order := orders["A"]) and "A" in usual else order[:1]
    return [*chosen, tuple(sorted(slot for slot in {0, *tail_slots} if slot < form.tail * subdivision))]


def _balance(counts: list[int], total: int, form: Form, size: int) -> None:
    """Add or remove onsets, in the last bars of phrases first, until there are `total`."""
    last = [phrase.first + phrase.bars - 1 for phrase in form.phrases]
    rest = [bar for bar in range(len(counts)) if bar not in last]
    step = 1 if sum(counts) < total else -1
    bars = last[::-1] if step > 0 else [*last[:-1], *last[-1:]]
    usual = list(counts)
    for share in (0.2, 0.4):
        for group in (bars, rest[1::2], rest[::2]):
            for _ in range(size):
                for bar in group:
                    allowed = abs(counts[bar] + step - usual[bar]) <= max(1, share * usual[bar])
                    if sum(counts) != total and allowed and 1 <= counts[bar] + step <= size:
                        counts[bar] += step


def _order(beats: int, subdivision: int, rng: np.random.Generator) -> list[int]:
    """The slots of a bar, those that sound first in front; each class of slots is spread evenly."""
    fine = {3: (0, 2, 1), 4: (0, 2, 3, 1)}[subdivision]
    if beats == 4:
        on = ([0, 2, 3, 1], [0, 2, 1, 3])[int(rng.integers(2))]
        off = ([1, 3, 0, 2], [0, 2, 1, 3], [3, 1, 2, 0])[int(rng.integers(3))]
    else:
        on = ([0, 2, 1], [0, 1, 2])[int(rng.integers(2))]
        off = ([2, 1, 0], [1, 2, 0], [0, 2, 1])[int(rng.integers(3))]
    order = [beat * subdivision for beat in on]
    for place in fine[1:]:
        order += [beat * subdivision + place for beat in off]
    return order
