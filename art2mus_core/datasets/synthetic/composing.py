"""Compose by rules: from a musical character and a seed to a composition.

Arousal decides onset rate, tempo and percussion; valence decides mode and harmony; warmth, with arousal, which bands fit;
height the register; tension sevenths, suspensions and rare modes; detachment the articulation; the tonic is the
character's. Everything else (form, progressions, motifs, figures, and which of the fitting bands plays) is drawn from the
seed, so that a painting can have many pieces.
"""

from __future__ import annotations

import numpy as np

from ...character import Character
from .accompaniment import accompany, bass, fill_slots, pad
from .bands import BANDS, choose_band
from .form import plan_form
from .harmony import choose_mode, harmonize
from .melody import melody
from .notes import Composition, Note
from .percussion import percussion
from .sketch import Sketch, onset_rate, planned_onsets, sounding_slots

__all__ = ["Composition", "Note", "compose_notes"]


def compose_notes(character: Character, seed: int, seconds: float = 10.0) -> Composition:
    """Compose `seconds` of music for a character; the seed determines the result."""
    name = choose_band(character, seed)
    band = BANDS[name]
    rng = np.random.default_rng((seed, 1))
    mode = choose_mode(character, rng)
    onsets = planned_onsets(character, seconds, rng)
    form = plan_form(character, rng, seconds, band.triple, onsets)
    subdivision = _subdivision(character, form.tempo, swing=band.swing)
    chords = harmonize(character, form, mode, band.seventh, rng)
    slots = sounding_slots(form, chords, subdivision, onsets, rng)
    sketch = Sketch(character, seed, band, form, chords, subdivision, slots)
    tune = melody(sketch)
    notes = [*tune, *bass(sketch, _draw(band.steps, rng)), *accompany(sketch, _figure(sketch, rng), tune)]
    notes += [*percussion(sketch), *(pad(sketch) if band.pad else [])]
    notes += fill_slots(sketch, notes)
    return Composition(
        notes=tuple(notes),
        tempo=form.tempo,
        mode=mode,
        tonic=character.tonic,
        seconds=seconds,
        beats_per_bar=form.beats_per_bar,
        subdivision=subdivision,
        band=name,
        bars=form.bars,
        ending=sketch.last,
        form="".join(phrase.letter for phrase in form.phrases),
    )


def _subdivision(character: Character, tempo: float, *, swing: bool) -> int:
    """Three slots in a beat for swing, unless triplets are too few for the onset rate; else four."""
    needed = onset_rate(character) * 60 / tempo
    return 3 if swing and needed < 2.6 else 4


def _draw(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _figure(sketch: Sketch, rng: np.random.Generator) -> str:
    """One of the band's figures that suits the meter."""
    waltzing = sketch.form.beats_per_bar == 3
    fitting = [name for name in sketch.band.figures if waltzing or name != "waltz"]
    return "waltz" if waltzing and "waltz" in fitting and rng.random() < 0.6 else _draw(tuple(fitting), rng)
