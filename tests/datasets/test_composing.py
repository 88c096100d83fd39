from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from art2mus_core.character import TONICS, Character
from art2mus_core.datasets.synthetic.composing import MODES, Composition, compose_notes
from art2mus_core.datasets.synthetic.voices import DRUMS

MIDDLING = Character(arousal=0.5, valence=0.5, warmth=0.5, height=0.5, tension=0.2, detachment=0.5, tonic=2)
SEEDS = range(5)

characters = st.builds(
    Character,
    **{name: st.floats(0, 1) for name in ("arousal", "valence", "warmth", "height", "tension", "detachment")},
    tonic=st.sampled_from(TONICS),
)


def pitches(score: Composition, part: str) -> np.ndarray:
    return np.array([note.pitch for note in score.notes if note.part == part])


def onsets(score: Composition) -> int:
    return len({round(note.start, 3) for note in score.notes})


def mean_over_seeds(measure, character: Character) -> float:
    return float(np.mean([measure(compose_notes(character, seed)) for seed in SEEDS]))


def test_arousal_raises_the_onset_rate_tenfold():
    counts = [mean_over_seeds(onsets, replace(MIDDLING, arousal=a)) for a in np.linspace(0, 1, 6)]
    assert counts == sorted(counts)
    assert 7 <= counts[0] <= 16
    assert 75 <= counts[-1] <= 100


def test_percussion_enters_with_arousal():
    def strokes(score: Composition) -> int:
        return len(pitches(score, "percussion"))

    assert mean_over_seeds(strokes, replace(MIDDLING, arousal=0.15)) == 0
    assert mean_over_seeds(strokes, replace(MIDDLING, arousal=0.9)) > 60


@pytest.mark.parametrize("tonic", TONICS)
@pytest.mark.parametrize(("valence", "third"), [(0.05, 3), (0.3, 3), (0.75, 4), (0.95, 4)])
def test_valence_decides_the_third_of_the_first_chord(valence: float, third: int, tonic: int):
    for seed in SEEDS:
        score = compose_notes(replace(MIDDLING, valence=valence, tonic=tonic), seed)
        opening = {note.pitch % 12 for note in score.notes if note.part == "pad" and note.start == 0}
        assert {tonic, (tonic + third) % 12, (tonic + 7) % 12} <= opening
        assert (tonic + 7 - third) % 12 not in opening


def test_brighter_paintings_have_brighter_modes():
    def brightness(score: Composition) -> int:
        return list(MODES).index(score.mode)

    levels = [mean_over_seeds(brightness, replace(MIDDLING, valence=v)) for v in (0.0, 0.25, 0.45, 0.55, 0.75, 1.0)]
    assert levels == sorted(levels)
    assert (levels[0], levels[-1]) == (0, 5)


@pytest.mark.parametrize("tonic", TONICS)
def test_the_bass_opens_on_the_tonic_and_what_lies_above_it_keeps_to_the_scale(tonic: int):
    for seed in SEEDS:
        score = compose_notes(replace(MIDDLING, tonic=tonic), seed)
        assert score.tonic == tonic
        assert pitches(score, "bass")[0] % 12 == tonic
        scale = {(tonic + step) % 12 for step in MODES[score.mode]}
        above = np.concatenate([pitches(score, part) for part in ("pad", "accompaniment", "melody")])
        assert set(above % 12) <= scale


def test_height_raises_the_melody_by_more_than_an_octave():
    means = [
        mean_over_seeds(lambda score: pitches(score, "melody").mean(), replace(MIDDLING, height=h))
        for h in (0.0, 0.5, 1.0)
    ]
    assert means == sorted(means)
    assert means[-1] - means[0] > 12


def test_detachment_shortens_notes_without_moving_them():
    for seed in SEEDS:
        legato = compose_notes(replace(MIDDLING, detachment=0.0), seed)
        staccato = compose_notes(replace(MIDDLING, detachment=1.0), seed)
        assert [(n.start, n.pitch) for n in legato.notes] == [(n.start, n.pitch) for n in staccato.notes]
        long, short = (
            np.array([note.duration for note in score.notes if note.part == "melody"]) for score in (legato, staccato)
        )
        assert (short < 0.6 * long).all()


def test_tension_thickens_chords():
    def tones(score: Composition) -> float:
        pads = [note.start for note in score.notes if note.part == "pad"]
        return len(pads) / len(set(pads))

    thickness = [mean_over_seeds(tones, replace(MIDDLING, tension=t)) for t in (0.1, 0.53, 0.78)]
    assert thickness[0] == pytest.approx(3, abs=0.1)
    assert thickness == sorted(thickness)
    assert thickness[-1] > 4


@settings(max_examples=25, deadline=None)
@given(character=characters, seed=st.integers(0, 2**40), seconds=st.floats(1, 20))
def test_any_character_has_a_playable_score(character: Character, seed: int, seconds: float):
    score = compose_notes(character, seed, seconds)
    assert score.notes
    for note in score.notes:
        assert 0 <= note.start < seconds
        assert note.duration > 0
        assert 0 < note.velocity <= 1.5
        assert note.pitch in range(len(DRUMS)) if note.part == "percussion" else 24 <= note.pitch <= 108
    assert {"pad", "bass", "accompaniment", "melody"} <= {note.part for note in score.notes}


@settings(max_examples=25, deadline=None)
@given(character=characters, seed=st.integers(0, 2**40))
def test_a_seed_has_one_score(character: Character, seed: int):
    assert compose_notes(character, seed) == compose_notes(character, seed)


def test_seeds_give_different_pieces():
    assert len({compose_notes(MIDDLING, seed).notes for seed in range(12)}) == 12
