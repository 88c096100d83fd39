"""Bass, sustained chords and accompaniment figures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .form import Phrase
from .harmony import Chord, nearest, voice_chords
from .melody import melody_centre
from .notes import Note
from .sketch import Sketch

__all__ = ["BASSES", "FIGURES", "accompany", "bass", "fill_slots", "pad"]

LOWEST, HIGHEST = 31, 50
"""Range of the bass in MIDI pitches."""

HIGHEST_LAST = 90
"""Highest pitch of the broken last chord."""


def _root(sketch: Sketch, chord: Chord) -> int:
    pitch = nearest((sketch.tonic + chord.tones[0]) % 12, 39.5)
    return pitch + 12 if pitch < LOWEST else pitch


def bass(sketch: Sketch, figure: str) -> list[Note]:
    """The bass: every chord's root on its first beat, and the figure's other tones where the grid sounds."""
    rng = sketch.rng("bass")
    notes: list[Note] = []
    for number, chord in enumerate(sketch.chords):
        root = _root(sketch, chord)
        if chord.beat >= sketch.end:
            if sketch.form.tail:
                notes.append(sketch.play("bass", (sketch.end, 0.8 * sketch.form.tail), root, rng))
            notes.append(sketch.play("bass", (sketch.last, chord.beats - sketch.form.tail), root, rng, 1.0))
            continue
        intro = sketch.form.phrase_at(int(chord.beat // sketch.form.beats_per_bar)).kind == "intro"
        shape = "root" if intro else figure
        following = _root(sketch, sketch.chords[number + 1])
        tones = [(0.0, root)] + [
            (at, p) for at, p in BASSES[shape](sketch, chord, root, following) if 0 < at < chord.beats
        ]
        heard = [(at, p) for at, p in tones if at == 0 or _sounds(sketch, chord.beat + at)]
        for (at, pitch), after in zip(heard, [*heard[1:], None], strict=True):
            length = (chord.beats if after is None else after[0]) - at
            length *= max(0.6, sketch.legato) if shape in {"root", "walk"} else max(0.35, sketch.legato)
            if after is None and sketch.rests_after(chord):
                length = min(length, max(0.5, chord.beats - at - 1.0))
            notes.append(sketch.play("bass", (chord.beat + at, length), pitch, rng, 0.0 if at == 0 else -2.0))
    return notes


def _sounds(sketch: Sketch, beat: float) -> bool:
    bar, rest = divmod(beat, sketch.form.beats_per_bar)
    slot = round(rest * sketch.subdivision)
    return sketch.sounds(int(bar), slot)


Tones = list[tuple[float, int]]


def _fifth(root: int) -> int:
    return root + 7 if root + 7 <= HIGHEST else root - 5


def _two(sketch: Sketch, chord: Chord, root: int, following: int) -> Tones:  # noqa: ARG001
    return [(2.0, _fifth(root) if 7 + chord.tones[0] in chord.tones else root)]


def _walk(sketch: Sketch, chord: Chord, root: int, following: int) -> Tones:
    tones = [root + step - chord.tones[0] for step in chord.tones[:3]]
    line = [tones[0], tones[1], tones[2], tones[1]][: int(chord.beats)]
    if len(line) > 1:
        below = following - 1 if following - 1 >= LOWEST else following + 2
        line[-1] = min((below, following + 2), key=lambda pitch: abs(pitch - line[-2]))
    walked = [(float(beat), pitch) for beat, pitch in enumerate(line)]
    if sketch.character.arousal > 0.6 and chord.beats == 4:
        walked.append((3.0 + (sketch.subdivision - 1) / sketch.subdivision, line[-1]))
    return walked


def _pulse(sketch: Sketch, chord: Chord, root: int, following: int) -> Tones:  # noqa: ARG001
    half = 0.5 if sketch.subdivision % 2 == 0 else 1.0
    return [(float(at), root) for at in np.arange(0, chord.beats, half)]


def _octaves(sketch: Sketch, chord: Chord, root: int, following: int) -> Tones:
    return [
        (at, root + 12 if at % 1 and root + 12 <= HIGHEST + 6 else root)
        for at, _ in _pulse(sketch, chord, root, following)
    ]


def _tumbao(sketch: Sketch, chord: Chord, root: int, following: int) -> Tones:  # noqa: ARG001
    return [(1.5, _fifth(root)), (3.0, root + 12 if root + 12 <= HIGHEST else root)] if chord.beats == 4 else []


BASSES: dict[str, Callable[[Sketch, Chord, int, int], Tones]] = {
    "root": lambda sketch, chord, root, following: [],  # noqa: ARG005
    "two": _two,
    "walk": _walk,
    "pulse": _pulse,
    "octaves": _octaves,
    "tumbao": _tumbao,
}


def pad(sketch: Sketch) -> list[Note]:
    """Sustained chords, voiced with the least motion; softer where the character is detached."""
    rng = sketch.rng("pad")
    voices = voice_chords(sketch.chords, sketch.tonic, 54 + 8 * sketch.character.height, voices=4)
    held = 1.0 if sketch.character.detachment < 0.6 else 0.62
    notes = []
    for chord, pitches in zip(sketch.chords, voices, strict=True):
        length = chord.beats * (held if chord.beat < sketch.end else 1.0)
        if sketch.rests_after(chord):
            length = max(0.5, min(length, chord.beats - 1.0))
        notes += [sketch.play("pad", (chord.beat, length), pitch, rng, -1.0) for pitch in pitches]
    return notes


Figure = Callable[[Sketch, Phrase, int, tuple[int, ...], int], list[tuple[int, float]]]
"""Sketch, phrase, slot, voiced chord, number of the slot within its chord -> pitches, each with decibels."""


def _pattern(*indices: int) -> Figure:
    def figure(
        sketch: Sketch,  # noqa: ARG001
        phrase: Phrase,  # noqa: ARG001
        slot: int,  # noqa: ARG001
        tones: tuple[int, ...],
        number: int,
    ) -> list[tuple[int, float]]:
        octave, place = divmod(indices[number % len(indices)], len(tones))
        return [(tones[place] + 12 * octave, 0.0)]

    return figure


def _block(strong: Callable[[Sketch, int], bool], *, light: bool) -> Figure:
    """Chords on strong slots; elsewhere the upper tones, or one tone."""

    def figure(
        sketch: Sketch,
        phrase: Phrase,  # noqa: ARG001
        slot: int,
        tones: tuple[int, ...],
        number: int,
    ) -> list[tuple[int, float]]:
        if strong(sketch, slot):
            return [(pitch, -2.0) for pitch in tones]
        return [(pitch, -4.0) for pitch in tones[1:]] if light else [(tones[number % len(tones)], -1.0)]

    return figure


def _on_beat(sketch: Sketch, slot: int) -> bool:
    return slot % sketch.subdivision == 0


def _after_first(sketch: Sketch, slot: int) -> bool:
    return slot % sketch.subdivision == 0 and slot > 0


def _first(sketch: Sketch, slot: int) -> bool:  # noqa: ARG001
    return slot == 0


def _comping(sketch: Sketch, slot: int) -> bool:
    """The Charleston's places: the first beat and the eighth before the third, then the eighth after it."""
    late = sketch.subdivision - 1 if sketch.subdivision == 3 else 2
    return slot in {0, sketch.subdivision + late, 2 * sketch.subdivision + late}


FIGURES: dict[str, Figure] = {
    "arpeggio": _pattern(0, 1, 2, 3, 4, 3, 2, 1),
    "broken": _pattern(0, 2, 1, 2),
    "alberti": _pattern(0, 2, 1, 3),
    "ostinato": _pattern(0, 2, 0, 1, 0, 2),
    "travis": _pattern(0, 2, 1, 3, 0, 3, 1, 2),
    "strum": _block(_on_beat, light=True),
    "stabs": _block(_after_first, light=False),
    "waltz": _block(_after_first, light=False),
    "chorale": _block(_first, light=False),
    "comp": _block(_comping, light=False),
}


def accompany(sketch: Sketch, name: str, melody: list[Note]) -> list[Note]:
    """An accompaniment figure on the slots that sound; contrasting phrases, and the first melody's return, have another.

    Where the melody holds or rests, single tones become two.
    """
    sung = {note.beat for note in melody}
    rng = sketch.rng("accompaniment")
    centre = min(55 + 12 * sketch.character.height, melody_centre(sketch) - 8)
    voiced = dict(zip([c.beat for c in sketch.chords], voice_chords(sketch.chords, sketch.tonic, centre), strict=True))
    figure, other = FIGURES[name], FIGURES["broken" if name != "broken" else "arpeggio"]
    later = FIGURES[sketch.band.figures[int(rng.integers(len(sketch.band.figures)))]]
    notes: list[Note] = []
    number, before = 0, -1.0
    for bar, slots in enumerate(sketch.slots):
        phrase = sketch.form.phrase_at(bar)
        until = sketch.slots_per_bar if bar < sketch.form.bars else sketch.form.tail * sketch.subdivision
        for slot, after in zip(slots, [*slots[1:], until][: len(slots)], strict=True):
            beat = sketch.beat(bar, slot)
            chord = sketch.chord_at(beat)
            number = 0 if chord.beat != before else number + 1
            before = chord.beat
            chosen = other if phrase.letter == "B" else (later if phrase.turn > 1 else figure)
            length = max(0.15, min(2.0, (after - slot) / sketch.subdivision) * min(1.0, sketch.legato + 0.08))
            tones = voiced[chord.beat]
            played = chosen(sketch, phrase, slot, tones, number)
            if len(played) == 1 and beat not in sung:
                pitch = played[0][0]
                played.append(
                    (min(tone for tone in (*tones, tones[0] + 12, tones[1] + 12, pitch + 12) if tone > pitch), 0.0)
                )
            for pitch, more in played:
                notes.append(sketch.play("accompaniment", (beat, length), pitch, rng, more))
    return [*notes, *_last_chord(sketch, voiced[sketch.end], rng)]


def _last_chord(sketch: Sketch, tones: tuple[int, ...], rng: np.random.Generator) -> list[Note]:
    """The last chord, broken upwards in the piece's rhythm."""
    beat, length = sketch.last, sketch.chords[-1].beats - sketch.form.tail
    usual = sketch.form.beats_per_bar / max(1, len(sketch.slots[0]))
    step = next(
        (one for one in (2.0, 1.0, 0.5) if one <= usual and one * sketch.subdivision % 1 == 0), 1 / sketch.subdivision
    )
    scale = [tone + octave for octave in (0, 12) for tone in tones if tone + octave <= HIGHEST_LAST]
    rising = (scale + scale[-2:0:-1] * 3)[: max(1, 1 + int(0.72 * length / step))]
    struck = tones if rng.random() < 0.5 else tones[:1]
    notes = [sketch.play("accompaniment", (beat, length), pitch, rng) for pitch in struck]
    for number, pitch in enumerate(rising[1:], 1):
        late = number * step
        notes.append(sketch.play("accompaniment", (beat + late, length - late), pitch, rng, -0.5 * number))
    return notes


def fill_slots(sketch: Sketch, notes: list[Note]) -> list[Note]:
    """Tones of the chord on sounding slots that no part has taken."""
    rng = sketch.rng("fill")
    taken = {note.beat for note in notes}
    voiced = {c.beat: v for c, v in zip(sketch.chords, voice_chords(sketch.chords, sketch.tonic, 57.0), strict=True)}
    found = []
    for bar, slots in enumerate(sketch.slots):
        for slot in slots:
            beat = sketch.beat(bar, slot)
            if beat not in taken:
                tones = voiced[sketch.chord_at(beat).beat]
                found.append(sketch.play("accompaniment", (beat, 0.5), tones[slot % len(tones)], rng, -2.0))
    return found
