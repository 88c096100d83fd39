"""Melodies: a motif for each letter of the form, which its phrases repeat, vary and answer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .form import Phrase
from .harmony import Chord
from .notes import Note
from .sketch import Sketch

__all__ = ["melody", "melody_centre"]

BUSIEST = 3.3
"""Most notes a second of a melody."""


PLANS = (
    ("same", "same", "turned", "end"),
    ("same", "same", "varied", "end"),
    ("same", "varied", "same", "end"),
    ("same", "same", "broad", "end"),
    ("same", "turned", "varied", "end"),
)
"""What the bars of a phrase make of the motif."""


@dataclass(frozen=True)
class _Motif:
    """A bar's rhythm, its steps from the first note, and the contour of the bars' first notes."""

    slots: tuple[int, ...]
    steps: tuple[int, ...]
    contour: tuple[int, ...]
    plan: tuple[str, ...]


def melody_centre(sketch: Sketch) -> float:
    """The MIDI pitch around which the melody moves: an octave and a half by height, 1.5 semitones by the seed."""
    spread = float(np.clip(sketch.rng("register").normal(0, 1.5), -3, 3))
    return 63 + 19 * sketch.character.height + sketch.band.register + spread


def melody(sketch: Sketch) -> list[Note]:
    """The melody of all phrases but the introduction, and its last note."""
    rng = sketch.rng("melody")
    motifs = {letter: _motif(sketch, letter, rng) for letter in "AB"}
    centre = melody_centre(sketch)
    place = round((centre - sketch.tonic) * 7 / 12)
    seconds = sketch.form.bars * sketch.form.beats_per_bar * 60 / sketch.form.tempo
    notes: list[Note] = []
    last = place
    for phrase in sketch.form.phrases:
        if phrase.letter == "I":
            continue
        motif = motifs["B" if phrase.letter == "B" else "A"]
        lift = (2 if phrase.level > 0 else -1) if phrase.letter == "B" else 0
        line, last = _phrase(sketch, phrase, motif, place + lift)
        if phrase.turn and phrase.kind != "contrast":
            line = _ornament(sketch, line, rng)
        part = "answer" if phrase.letter == "B" and seconds > 14 else "melody"
        notes += _played(sketch, line, part, phrase, rng)
    goal = min(
        (place + shift for shift in range(-7, 8) if (place + shift) % 7 in _goals(sketch)), key=lambda d: abs(d - last)
    )
    final = _pitch(sketch, goal, sketch.end)
    return [*notes, sketch.play("melody", (sketch.end, sketch.chords[-1].beats), final, rng, 1.0)]


def _goals(sketch: Sketch) -> set[int]:
    """The degrees on which a piece may end: the tonic, or the third where the painting is very light or very dark."""
    return {0, 2} if abs(sketch.character.valence - 0.5) > 0.35 else {0}


def _motif(sketch: Sketch, letter: str, rng: np.random.Generator) -> _Motif:
    bar = next((phrase.first for phrase in sketch.form.phrases if phrase.letter == letter), 0)
    heard = sketch.slots[bar]
    longest = sketch.form.beats_per_bar * 60 / sketch.form.tempo
    share = 0.85 - 0.35 * sketch.character.arousal - (0.12 if letter == "B" else 0.0)
    count = int(np.clip(round(share * len(heard)), 1, max(1, BUSIEST * longest)))
    keys = {slot: -sketch.accent(slot) + float(rng.gumbel(0, 1.7)) for slot in heard}
    chosen = sorted(sorted(heard, key=lambda slot: keys[slot])[:count])
    if 0 in heard and 0 not in chosen and rng.random() < 0.8:
        chosen = [0, *chosen[1:]]
    steps = [0]
    leap = 0
    for _ in chosen[1:]:
        if leap:
            step = -int(math.copysign(1, leap))
        else:
            step = int(rng.choice((-1, 1, -2, 2, 0, 3, -3), p=(0.31, 0.31, 0.1, 0.1, 0.08, 0.06, 0.04)))
        leap = step if abs(step) > 1 else 0
        steps.append(int(np.clip(steps[-1] + step, -4, 5)))
    top = int(rng.integers(2, 5))
    contour = ((0, 1, top, 1), (0, top, 2, 0), (0, -1, top, 1), (2, 1, top, 0))[int(rng.integers(4))]
    plan = PLANS[int(rng.integers(len(PLANS)))]
    return _Motif(tuple(chosen), tuple(steps), contour, plan)


Line = list[tuple[int, int, int, bool]]
"""Bar, slot, degree of the scale counted over octaves, and whether the note ends a phrase."""


def _phrase(sketch: Sketch, phrase: Phrase, motif: _Motif, place: int) -> tuple[Line, int]:
    """The notes of a phrase, and its last degree."""
    line: Line = []
    first = last = place + motif.contour[0]
    for number in range(phrase.bars):
        bar = phrase.first + number
        role = "end" if number == phrase.bars - 1 else motif.plan[number % 4]
        wanted = place + motif.contour[number * 4 // max(phrase.bars, 1) % 4]
        heard = [slot for slot in motif.slots if sketch.sounds(bar, slot)] or list(sketch.slots[bar][:1])
        steps = [motif.steps[motif.slots.index(slot)] if slot in motif.slots else 0 for slot in heard]
        heard, steps = _varied(sketch, phrase, role, heard, steps)
        for index, (slot, step) in enumerate(zip(heard, steps, strict=True)):
            chord = sketch.chord_at(sketch.beat(bar, slot))
            stops = role == "end" and index == len(heard) - 1
            if stops:
                degree = _cadence(phrase, chord, last)
            elif index == 0:
                degree = first = _bar_opening(chord, wanted, first if number else None, last)
            else:
                move = step - steps[index - 1]
                move = -move if abs(last + move - wanted) > 5 else move
                degree = last + move
                if slot % (2 * sketch.subdivision) == 0:
                    degree = _chord_degree(chord, degree, last if move else None)
            line.append((bar, slot, degree, stops))
            last = degree
    return line, last


def _varied(
    sketch: Sketch, phrase: Phrase, role: str, slots: list[int], steps: list[int]
) -> tuple[list[int], list[int]]:
    """The motif in a bar's role: turned upside down, with another end, broadened to its beats, or as an ending."""
    if role == "turned":
        return slots, [-step for step in steps]
    if role == "varied":
        half = len(steps) // 2
        return slots, [*steps[:half], *(step + 1 for step in steps[half:])]
    if role == "broad":
        kept = [index for index, slot in enumerate(slots) if slot % sketch.subdivision == 0 or index == 0]
        return [slots[index] for index in kept], [steps[index] for index in kept]
    return _ending(sketch, slots, steps, phrase) if role == "end" else (slots, steps)


def _bar_opening(chord: Chord, wanted: int, before: int | None, last: int) -> int:
    """A bar's first degree: a tone of the chord near the contour, rather the third, and not the previous bar's."""

    def cost(degree: int) -> float:
        third = chord.scale[degree % 7] == chord.tones[1] % 12
        return 0.6 * abs(degree - wanted) + 0.25 * abs(degree - last) + 0.8 * (not third) + 1.0 * (degree == before)

    return min((degree for degree in range(last - 5, last + 6) if chord.holds(degree)), key=cost)


def _ending(sketch: Sketch, slots: list[int], steps: list[int], phrase: Phrase) -> tuple[list[int], list[int]]:
    """The rhythm of a phrase's last bar: it stops on a long note, early enough for a breath."""
    latest = sketch.slots_per_bar * (0.8 if phrase.kind == "final" else 0.5)
    kept = [index for index, slot in enumerate(slots) if slot <= latest] or [0]
    beats = [index for index in kept if slots[index] % sketch.subdivision == 0]
    last = beats[-1] if beats else kept[-1]
    return slots[: last + 1], steps[: last + 1]


def _cadence(phrase: Phrase, chord: Chord, last: int) -> int:
    """The degree that ends a phrase: the tonic, or a tone of the dominant, near the previous one."""
    wanted = {0} if phrase.kind == "closed" else ({1, 6} if phrase.kind == "final" else {1, 4, 6})
    options = [degree for degree in range(last - 4, last + 5) if degree % 7 in wanted and chord.holds(degree)]
    return min(options, key=lambda degree: abs(degree - last)) if options else _chord_degree(chord, last)


def _chord_degree(chord: Chord, degree: int, other_than: int | None = None) -> int:
    """The nearest tone of the chord, other than the one that the melody comes from."""
    near = (degree + shift for shift in (0, -1, 1, -2, 2))
    return next((each for each in near if chord.holds(each) and each != other_than), degree)


def _ornament(sketch: Sketch, line: Line, rng: np.random.Generator) -> Line:
    """Put a neighbouring tone between some notes of a repeated phrase, where the grid sounds anyway."""
    found: Line = []
    for (bar, slot, degree, stops), following in zip(line, [*line[1:], None], strict=True):
        found.append((bar, slot, degree, stops))
        if stops or following is None or following[0] != bar or rng.random() > 0.3:
            continue
        between = [each for each in sketch.slots[bar] if slot < each < following[1]]
        if between:
            found.append((bar, between[len(between) // 2], degree + (1 if following[2] >= degree else -1), False))
    return found


def _pitch(sketch: Sketch, degree: int, beat: float) -> int:
    octave, step = divmod(degree, 7)
    return sketch.tonic + 12 * octave + sketch.chord_at(beat).scale[step]


def _played(sketch: Sketch, line: Line, part: str, phrase: Phrase, rng: np.random.Generator) -> list[Note]:
    notes = []
    end = sketch.beat(phrase.first + phrase.bars, 0)
    for (bar, slot, degree, stops), following in zip(line, [*line[1:], None], strict=True):
        beat = sketch.beat(bar, slot)
        until = end if following is None else sketch.beat(following[0], following[1])
        length = min(until - beat, 2.0 if not stops else 3.0)
        if stops:
            length = max(0.5, min(length * 0.72, (until - beat) - 0.5)) if phrase.kind != "final" else until - beat
        else:
            length *= sketch.legato
        notes.append(
            sketch.play(part, (beat, max(length, 0.12)), _pitch(sketch, degree, beat), rng, 1.0 if stops else 0.0)
        )
    if phrase.turn > 1 and sketch.character.arousal > 0.45:
        notes += [
            Note(note.part, note.beat, note.beats, note.pitch - 12, note.velocity * 0.6, note.shift) for note in notes
        ]
    return notes
