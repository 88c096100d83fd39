"""Percussion: grooves of the bands on the slots that sound, fills at the end of phrases, and strokes at their beginning."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .drums import STROKES
from .notes import Note
from .sketch import Sketch

__all__ = ["GROOVES", "percussion"]

Strokes = list[tuple[str, float]]
Groove = Callable[[Sketch, int, int, float], Strokes]
"""Sketch, bar, slot, drive 0..1 -> strokes with decibels."""


def _place(sketch: Sketch, slot: int) -> tuple[int, float]:
    """Beat of the bar, and the place within it, 0 to 1."""
    return slot // sketch.subdivision, slot % sketch.subdivision / sketch.subdivision


def _backbeat(sketch: Sketch, beat: int) -> bool:
    return beat in {1, 3} if sketch.form.beats_per_bar == 4 else beat == 2


def _floor(sketch: Sketch, bar: int, slot: int, drive: float) -> Strokes:  # noqa: ARG001
    beat, rest = _place(sketch, slot)
    found: Strokes = [("hat", -6.0 if rest else -9.0)]
    if rest == 0:
        found.append(("kick", 0.0))
        if beat in {1, 3}:
            found.append(("clap", -3.0))
    elif rest == 0.5 and drive > 0.3:
        found[0] = ("open hat", -7.0)
    return found


def _swing(sketch: Sketch, bar: int, slot: int, drive: float) -> Strokes:  # noqa: ARG001
    beat, rest = _place(sketch, slot)
    found: Strokes = [("ride", -2.0 if rest == 0 and _backbeat(sketch, beat) else (-4.5 if rest == 0 else -6.5))]
    if rest == 0:
        found.append(("brush", -6.0 if _backbeat(sketch, beat) else -10.0))
        if _backbeat(sketch, beat):
            found.append(("foot hat", -7.0))
        if beat == 0:
            found.append(("kick", -9.0))
    elif drive > 0.5:
        found.append(("rim", -9.0))
    return found


def _frame(sketch: Sketch, bar: int, slot: int, drive: float) -> Strokes:
    beat, rest = _place(sketch, slot)
    if slot == 0:
        return [("frame low", 0.0), ("stomp", -4.0 + 2 * drive)]
    if rest == 0 and _backbeat(sketch, beat):
        return [("frame high", -3.0), ("shaker", -8.0)]
    if rest == 0.5 and beat == 2 and bar % 2 == 0:
        return [("frame low", -3.0), ("shaker", -8.0)]
    return [("shaker", -7.0 if rest else -9.0)]


def _orchestra(sketch: Sketch, bar: int, slot: int, drive: float) -> Strokes:  # noqa: ARG001
    beat, rest = _place(sketch, slot)
    found: Strokes = [("tambourine", -9.0)] if rest == 0 else [("snare", -12.0)]
    if slot == 0:
        found.append(("timpani", -2.0))
    elif rest == 0 and beat == 2 and drive > 0.35:
        found.append(("timpani", -5.0))
    return found


def _sparkle(sketch: Sketch, bar: int, slot: int, drive: float) -> Strokes:
    beat, rest = _place(sketch, slot)
    if slot == 0 and bar % 2 == 0:
        return [("triangle", -6.0)]
    if rest == 0:
        return [("woodblock", -8.0)] if _backbeat(sketch, beat) else [("soft kick", -6.0)]
    return [("shaker", -10.0 + 3 * drive)]


def _chapel(sketch: Sketch, bar: int, slot: int, drive: float) -> Strokes:
    phrase = sketch.form.phrase_at(bar)
    if slot == 0:
        return [("timpani", -3.0)] + ([("chime", -6.0)] if bar == phrase.first else [])
    return [("timpani", -9.0)] if slot % sketch.subdivision == 0 and drive > 0.3 else []


def _hands(sketch: Sketch, bar: int, slot: int, drive: float) -> Strokes:
    beat, rest = _place(sketch, slot)
    found: Strokes = [("shaker", -8.0 if rest == 0 else -6.0)]
    if (beat, rest) in ({(0, 0.0), (1, 0.5), (3, 0.0)} if bar % 2 == 0 else {(1, 0.0), (2, 0.0)}):
        found.append(("woodblock", -5.0))
    if rest == 0 and _backbeat(sketch, beat):
        found.append(("conga high", -3.0))
    elif rest == 0.5 and beat == sketch.form.beats_per_bar - 1 and drive > 0.15:
        found.append(("conga low", -2.0))
    elif slot == 0:
        found.append(("conga low", -4.0))
    return found


GROOVES: dict[str, Groove] = {
    "floor": _floor,
    "swing": _swing,
    "frame": _frame,
    "orchestra": _orchestra,
    "sparkle": _sparkle,
    "chapel": _chapel,
    "hands": _hands,
}

FILLS = {"floor": "snare", "swing": "snare", "frame": "frame high", "orchestra": "snare", "sparkle": "woodblock"}
FILLS |= {"chapel": "timpani", "hands": "conga high"}
CRASHES = {"floor": "crash", "swing": "crash", "orchestra": "crash", "sparkle": "triangle", "chapel": "chime"}
CRASHES |= {"frame": "stomp", "hands": "chime"}

LAST = {"floor": "kick", "swing": "soft kick", "orchestra": "timpani", "sparkle": "triangle", "chapel": "timpani"}
LAST |= {"frame": "frame low", "hands": "conga low"}


def percussion(sketch: Sketch) -> list[Note]:
    """Strokes from the arousal on at which the band's percussion enters; softer phrases have fewer."""
    drive = (sketch.character.arousal - sketch.band.entry) / (1 - sketch.band.entry)
    if drive <= 0:
        return []
    rng, groove, kit = sketch.rng("percussion"), GROOVES[sketch.band.groove], sketch.band.groove
    notes: list[Note] = []
    for bar, slots in enumerate(sketch.slots):
        phrase = sketch.form.phrase_at(bar)
        last = bar == phrase.first + phrase.bars - 1
        quiet = phrase.kind == "intro" or phrase.level <= -4.0
        for slot in slots:
            beat, strokes = sketch.beat(bar, slot), groove(sketch, bar, slot, drive)
            if last and phrase.bars > 1 and slot >= 0.75 * sketch.slots_per_bar and drive > 0.3 and not quiet:
                rise = 8 * (slot / sketch.slots_per_bar - 1)
                strokes = [*strokes[:1], (FILLS[kit], rise)]
            if quiet:
                strokes = [
                    (name, level - 3) for name, level in strokes if name in {"shaker", "hat", "ride", "triangle"}
                ]
            if slot == 0 and bar == phrase.first and bar > 0 and drive > 0.25 and not quiet:
                strokes = [*strokes, (CRASHES[kit], -9.0)]
            notes += [_stroke(sketch, beat, name, level, rng) for name, level in strokes]
    notes.append(_stroke(sketch, sketch.last, LAST[kit], -4.0, rng))
    return notes


def _stroke(sketch: Sketch, beat: float, name: str, level: float, rng: np.random.Generator) -> Note:
    return sketch.play("percussion", (beat, 0.25), STROKES.index(name), rng, level)
