"""Bands: instruments, registers and grooves that belong together, and the choice of one for a character."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...character import Character

__all__ = ["BANDS", "Band", "choose_band", "fitting_bands"]

TURNS = (0, 0, 1, 2)
"""Ranks of the bands of four neighbouring seeds, in an order that the seed draws."""


@dataclass(frozen=True)
class Band:
    """A band.

    Attributes:
        warmth: warmth of the characters that it fits best.
        arousal: arousal of these characters.
        melody: instruments of the melody; the first two are different ones.
        accompaniment: instruments of the accompaniment.
        pad: instruments of sustained chords; none for a band without them.
        bass: instruments of the bass.
        figures: the accompaniment's figures (`accompaniment.FIGURES`).
        steps: the bass's figures (`accompaniment.BASSES`).
        groove: the percussion's groove (`percussion.GROOVES`).
        entry: arousal from which percussion plays.
        triple: probability of three beats in a bar.
        swing: whether eighths are triplets.
        seventh: tension that the band adds to chords.
        register: semitones by which the melody lies higher.
        room: seconds of reverberation.
        wet: level of the reverberation in decibels.
    """

    warmth: float
    arousal: float
    melody: tuple[str, ...]
    accompaniment: tuple[str, ...]
    pad: tuple[str, ...]
    bass: tuple[str, ...]
    figures: tuple[str, ...]
    steps: tuple[str, ...]
    groove: str
    entry: float
    triple: float = 0.3
    swing: bool = False
    seventh: float = 0.0
    register: float = 0.0
    room: float = 1.4
    wet: float = -11.0


BANDS: dict[str, Band] = {
    "music box": Band(
        *(0.05, 0.3, ("music box", "glass", "celesta"), ("celesta", "kalimba", "harp"), ("glass pad",), ("soft bass",)),
        *(("arpeggio", "broken", "alberti"), ("root", "two"), "sparkle", 0.2),
        triple=0.5,
        register=7.0,
        room=1.8,
        wet=-10.0,
    ),
    "electronic": Band(
        *(0.2, 0.8, ("lead", "pluck synth"), ("pluck synth", "keys"), ("synth pad",), ("synth bass",)),
        *(("arpeggio", "broken", "stabs"), ("pulse", "octaves", "root"), "floor", 0.1),
        triple=0.0,
        room=1.1,
        wet=-13.0,
    ),
    "chamber": Band(
        *(0.42, 0.45, ("violin", "flute", "oboe"), ("piano", "harp"), ("strings",), ("double bass", "cello")),
        *(("alberti", "broken", "waltz"), ("root", "two"), "orchestra", 0.3),
        triple=0.4,
        room=1.6,
        wet=-11.0,
    ),
    "folk": Band(
        *(0.6, 0.65, ("fiddle", "whistle", "mandolin"), ("guitar", "mandolin"), (), ("double bass",)),
        *(("strum", "travis", "waltz"), ("two", "root"), "frame", 0.12),
        triple=0.4,
        room=0.7,
        wet=-15.0,
    ),
    "choir and organ": Band(
        *(0.65, 0.1, ("pipe flute", "choir", "trumpet"), ("organ", "harp"), ("choir", "organ"), ("pedal",)),
        *(("broken", "chorale"), ("root",), "chapel", 0.5),
        triple=0.35,
        room=2.4,
        wet=-8.5,
    ),
    "jazz trio": Band(
        *(0.85, 0.6, ("clarinet", "jazz piano", "muted trumpet"), ("jazz piano",), (), ("double bass",)),
        *(("comp", "comp", "waltz"), ("walk", "walk", "two"), "swing", 0.08),
        triple=0.15,
        swing=True,
        seventh=0.25,
        register=-2.0,
        room=0.8,
        wet=-14.0,
    ),
    "mallets": Band(
        *(0.95, 0.35, ("vibraphone", "marimba"), ("marimba", "kalimba"), ("choir",), ("soft bass", "double bass")),
        *(("ostinato", "broken", "alberti"), ("two", "root", "tumbao"), "hands", 0.12),
        triple=0.25,
        register=-1.0,
        room=1.2,
        wet=-12.0,
    ),
}


def fitting_bands(character: Character) -> list[str]:
    """The three bands that fit best, the best one first."""

    def distance(name: str) -> float:
        band = BANDS[name]
        return ((character.warmth - band.warmth) / 0.3) ** 2 + ((character.arousal - band.arousal) / 0.45) ** 2

    return sorted(BANDS, key=distance)[: max(TURNS) + 1]


def choose_band(character: Character, seed: int) -> str:
    """The name of the seed's band; any seven neighbouring seeds have all three fitting ones."""
    block, place = divmod(seed, len(TURNS))
    turns = np.random.default_rng((block, 11)).permutation(len(TURNS))
    return fitting_bands(character)[TURNS[int(turns[place])]]
