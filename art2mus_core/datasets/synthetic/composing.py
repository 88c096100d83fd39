"""Compose by rules: from a musical character and a seed to a composition.

A composition is a list of notes in five parts (pad, bass, accompaniment, melody, percussion). :mod:`art2mus_core.character` describes
what the character determines; everything else (progression, motif, contour, pattern, instrument) is drawn from the seed, so
that a painting can have many pieces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...character import Character

__all__ = ["Composition", "Note", "compose_notes"]

# From dark to bright, rotations of the major scale. The first three have a minor third, the others a major one.
MODES = {
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "aeolian": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "ionian": (0, 2, 4, 5, 7, 9, 11),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
}
MODE_EDGES = (0.12, 0.38, 0.5, 0.62, 0.88)
MAJOR_PROGRESSIONS = ((0, 4, 5, 3), (0, 3, 4, 0), (0, 5, 3, 4), (0, 3, 5, 4), (0, 1, 4, 0), (0, 3, 0, 4))
MINOR_PROGRESSIONS = ((0, 5, 2, 6), (0, 3, 4, 0), (0, 6, 5, 6), (0, 3, 6, 2), (0, 5, 3, 4), (0, 3, 0, 4))
ARPEGGIOS = ((0, 1, 2, 1), (0, 2, 1, 2), (0, 1, 2, 3), (0, 2, 3, 1), (2, 1, 0, 1), (0, 3, 1, 2))


@dataclass(frozen=True)
class Note:
    """A note: start and duration in seconds, MIDI pitch (the drum's index in percussion), velocity 0..1."""

    part: str
    start: float
    duration: float
    pitch: int
    velocity: float


@dataclass(frozen=True)
class Composition:
    """A composition: notes in any order, tempo in beats per minute, name of the mode, pitch class of the tonic."""

    notes: tuple[Note, ...]
    tempo: float
    mode: str
    tonic: int
    seconds: float


@dataclass(frozen=True)
class _Plan:
    """The constants of a piece."""

    character: Character
    seconds: float
    beat: float
    division: float
    scale: tuple[int, ...]
    chords: tuple[tuple[int, ...], ...]
    beats_a_chord: int

    @property
    def slot(self) -> float:
        """Seconds between pulses of the accompaniment."""
        return self.beat / self.division

    def chord_at(self, seconds: float) -> tuple[int, ...]:
        return self.chords[int(seconds / (self.beat * self.beats_a_chord) + 1e-6) % len(self.chords)]

    @property
    def legato(self) -> float:
        """Duration of a note relative to its slot: 1.1 for legato, 0.35 for detached notes."""
        return 1.1 - 0.75 * self.character.detachment


def compose_notes(character: Character, seed: int, seconds: float = 10.0) -> Composition:
    """Compose `seconds` of music for a character; the seed determines the result."""
    rng = np.random.default_rng((seed, 1))
    brightness = float(np.clip(character.valence + rng.normal(0, 0.04), 0, 1))
    mode = list(MODES)[int(np.searchsorted(MODE_EDGES, brightness))]
    tempo, division = _pulse(character.arousal)
    beat = 60 / tempo
    beats_a_chord = 4 if beat * 4 <= 3.2 else 2
    progressions = MAJOR_PROGRESSIONS if 4 in MODES[mode] else MINOR_PROGRESSIONS
    degrees = progressions[rng.integers(len(progressions))]
    chords = tuple(_chord(MODES[mode], character, degree, rng) for degree in degrees)
    plan = _Plan(character, seconds, beat, division, MODES[mode], chords, beats_a_chord)
    notes = [
        *_pad(plan, rng),
        *_bass(plan, rng),
        *_accompaniment(plan, rng),
        *_melody(plan, rng),
        *_percussion(plan, rng),
    ]
    return Composition(
        tuple(note for note in notes if note.start < seconds - 0.05), tempo, mode, character.tonic, seconds
    )


def _pulse(arousal: float) -> tuple[float, float]:
    """Tempo and pulses per beat; their product is the onset rate, 0.8 to 8 per second by arousal."""
    rate = 0.8 * 10.0**arousal
    wanted = 62 + 66 * arousal
    division = min((0.5, 1.0, 2.0, 3.0, 4.0), key=lambda d: abs(np.log(60 * rate / d / wanted)))
    return 60 * rate / division, division


def _chord(scale: tuple[int, ...], character: Character, degree: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Semitones of a chord above the tonic: stacked thirds from the root, with more dissonance the higher the tension."""

    def tone(step: int) -> int:
        return scale[(degree + step) % 7] + 12 * ((degree + step) // 7)

    chord = [tone(0), tone(2), tone(4)]
    colour = character.tension + rng.normal(0, 0.08)
    if colour > 0.4:
        chord.append(tone(6))
    if colour > 0.65:
        chord.append(tone(8))
    if colour > 0.8 and degree != 0:
        chord[1] = chord[0] + 6 if rng.random() < 0.5 else chord[1]
    return tuple(chord)


def _near(pitch_class: int, centre: float) -> int:
    """The MIDI pitch of a pitch class that is nearest to `centre`."""
    return int(round((centre - pitch_class) / 12) * 12 + pitch_class)


def _pad(plan: _Plan, rng: np.random.Generator) -> list[Note]:
    """Sustained chords with small movements between them."""
    centre = 55 + 7 * plan.character.height
    length = plan.beat * plan.beats_a_chord
    notes: list[Note] = []
    for index in range(int(np.ceil(plan.seconds / length))):
        chord = plan.chords[index % len(plan.chords)]
        pitches = {_near((plan.character.tonic + tone) % 12, centre) for tone in chord}
        level = 0.8 + 0.1 * rng.random()
        notes += [Note("pad", index * length, length * 1.02, pitch, level) for pitch in sorted(pitches)]
    return notes


def _bass(plan: _Plan, rng: np.random.Generator) -> list[Note]:
    """Roots on the first beat of each chord; fifths and octaves between them at higher arousal."""
    busy = plan.character.arousal
    every = plan.beats_a_chord if busy < 0.35 else (2 if busy < 0.6 else 1)
    pattern = (0, 7, 12, 7) if rng.random() < 0.5 else (0, 0, 7, 0)
    notes: list[Note] = []
    for index in range(int(np.ceil(plan.seconds / (plan.beat * every)))):
        start = index * plan.beat * every
        root = _near((plan.character.tonic + plan.chord_at(start)[0]) % 12, 43.0)
        first = (index * every) % plan.beats_a_chord == 0
        step = 0 if first else pattern[index % 4]
        pitch = root + step if root + step <= 52 else root
        length = plan.beat * every * min(1.0, plan.legato + 0.1)
        notes.append(Note("bass", start, length, pitch, 0.95 if first else 0.75))
    return notes


def _accompaniment(plan: _Plan, rng: np.random.Generator) -> list[Note]:
    """Broken chords with a note on every pulse, which determine the onset rate."""
    centre = 60 + 14 * plan.character.height
    pattern = ARPEGGIOS[rng.integers(len(ARPEGGIOS))]
    strum = rng.random() < 0.25
    notes: list[Note] = []
    for index in range(int(plan.seconds / plan.slot) + 1):
        start = index * plan.slot
        tones = sorted(_near((plan.character.tonic + tone) % 12, centre) for tone in plan.chord_at(start)[:4])
        accent = 0.9 if index % 4 == 0 else 0.72
        length = max(0.09, plan.slot * plan.legato)
        chosen = tones if strum and index % 2 == 0 else [tones[pattern[index % 4] % len(tones)]]
        notes += [Note("accompaniment", start, length, pitch, accent / len(chosen) ** 0.5) for pitch in chosen]
    return notes


def _melody(plan: _Plan, rng: np.random.Generator) -> list[Note]:
    """A motif of one bar, repeated, inverted and varied, with chord tones at changes of the chord."""
    centre = 66 + 20 * plan.character.height
    ladder = [
        plan.character.tonic + octave * 12 + step
        for octave in range(3, 9)
        for step in plan.scale
        if abs(plan.character.tonic + octave * 12 + step - centre) <= 11
    ]
    slots = max(2, round(plan.beats_a_chord * plan.division))
    rhythm = _rhythm(slots, rng)
    contour = np.cumsum(rng.choice((-2, -1, -1, 1, 1, 2), size=len(rhythm)))
    bar = slots * plan.slot
    notes: list[Note] = []
    position = len(ladder) // 2 + int(rng.integers(-2, 3))
    for index in range(int(np.ceil(plan.seconds / bar))):
        shape = -contour if index % 4 == 3 else contour
        for place, (slot, length) in enumerate(rhythm):
            start = index * bar + slot * plan.slot
            step = int(np.clip(position + shape[place] - shape[0], 0, len(ladder) - 1))
            pitch = ladder[step]
            if slot == 0 or rng.random() < 0.35:
                pitch = _nearest_tone(pitch, plan, start)
            sounding = max(0.12, length * plan.slot * plan.legato)
            notes.append(Note("melody", start, sounding, pitch, 0.85 + 0.15 * rng.random()))
    return notes


def _rhythm(slots: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Pairs (slot, length) that fill a bar, with a note on about half of the pulses."""
    starts = [0, *(slot for slot in range(1, slots) if rng.random() < (0.6 if slot % 2 == 0 else 0.35))]
    ends = [*starts[1:], slots]
    return [(start, min(end - start, 4)) for start, end in zip(starts, ends, strict=True)]


def _nearest_tone(pitch: int, plan: _Plan, start: float) -> int:
    classes = [(plan.character.tonic + tone) % 12 for tone in plan.chord_at(start)]
    return min((_near(c, float(pitch)) for c in classes), key=lambda candidate: abs(candidate - pitch))


def _percussion(plan: _Plan, rng: np.random.Generator) -> list[Note]:
    """Kick, backbeat and hats, louder at higher arousal and absent below 0.4."""
    drive = (plan.character.arousal - 0.4) / 0.6 + rng.normal(0, 0.05)
    if drive <= 0:
        return []
    kick, snare, hat, shaker = 0, 1, 2, 3
    top = hat if rng.random() < 0.6 else shaker
    notes: list[Note] = []
    for index in range(int(plan.seconds / plan.slot) + 1):
        start = index * plan.slot
        beat, off = divmod(index, max(1, round(plan.division)))
        level = 0.35 + 0.65 * drive
        notes.append(Note("percussion", start, 0.1, top, level * (0.8 if off == 0 else 0.5)))
        if off == 0 and beat % 2 == 0:
            notes.append(Note("percussion", start, 0.3, kick, level))
        if off == 0 and beat % 2 == 1 and drive > 0.25:
            notes.append(Note("percussion", start, 0.2, snare, level * 0.8))
    return notes
