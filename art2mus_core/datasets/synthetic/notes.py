"""A composition: notes in beats, at one tempo."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PARTS", "Composition", "Note"]

PARTS = ("melody", "answer", "accompaniment", "pad", "bass", "percussion")
"""The parts of a composition; `answer` is the second melodic instrument."""


@dataclass(frozen=True)
class Note:
    """A note.

    Attributes:
        part: one of :data:`PARTS`.
        beat: beginning in beats, exactly on the composition's grid.
        beats: length in beats.
        pitch: MIDI pitch; in percussion the stroke's index in `drums.STROKES`.
        velocity: 0..1.
        shift: seconds by which a player comes late; negative for early.
    """

    part: str
    beat: float
    beats: float
    pitch: int
    velocity: float
    shift: float = 0.0


@dataclass(frozen=True)
class Composition:
    """A composition; beat 0 is at 0 s.

    Attributes:
        notes: in any order.
        tempo: beats a minute, constant.
        mode: a name in `harmony.MODES`.
        tonic: pitch class, 0 = C.
        seconds: length with the last chord's ring.
        beats_per_bar: 3 or 4.
        subdivision: slots of the grid in a beat: 3 where eighths swing, else 4.
        band: a name in `bands.BANDS`.
        bars: number of whole bars; the tonic is reached at their end.
        ending: beat of the last chord.
        form: a letter for each phrase.
    """

    notes: tuple[Note, ...]
    tempo: float
    mode: str
    tonic: int
    seconds: float
    beats_per_bar: int = 4
    subdivision: int = 4
    band: str = "chamber"
    bars: int = 0
    ending: float = 0.0
    form: str = ""

    def start(self, note: Note) -> float:
        """Seconds at which a note begins."""
        return note.beat * 60 / self.tempo + note.shift

    def duration(self, note: Note) -> float:
        """Length of a note in seconds."""
        return note.beats * 60 / self.tempo
