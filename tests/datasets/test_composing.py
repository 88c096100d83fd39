from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from art2mus_core.character import TONICS, Character
from art2mus_core.datasets.synthetic.bands import BANDS
from art2mus_core.datasets.synthetic.composing import Composition, compose_notes
from art2mus_core.datasets.synthetic.drums import STROKES
from art2mus_core.datasets.synthetic.harmony import KINDS, MODES, ROOTS
from art2mus_core.datasets.synthetic.progressions import PROGRESSIONS

MIDDLING = Character(arousal=0.5, valence=0.6, warmth=0.5, height=0.5, tension=0.2, detachment=0.4, tonic=2)
SEEDS = range(6)

characters = st.builds(
    Character,
    **{name: st.floats(0, 1) for name in ("arousal", "valence", "warmth", "height", "tension", "detachment")},
    tonic=st.sampled_from(TONICS),
)


def drawn(count: int) -> list[Character]:
    rng = np.random.default_rng(7)
    return [Character(*rng.random(6), tonic=int(rng.choice(TONICS))) for _ in range(count)]


def pitches(score: Composition, part: str) -> np.ndarray:
    return np.array([note.pitch for note in score.notes if note.part == part])


def onsets(score: Composition) -> int:
    return len({note.beat for note in score.notes})


def classes(score: Composition, first: float, last: float) -> set[int]:
    """Pitch classes above the tonic that begin from one beat to before another."""
    found = [note for note in score.notes if note.part != "percussion" and first <= note.beat < last]
    return {(note.pitch - score.tonic) % 12 for note in found}


def mean_over_seeds(measure, character: Character, seconds: float = 10.0) -> float:
    return float(np.mean([measure(compose_notes(character, seed, seconds)) for seed in SEEDS]))


@settings(max_examples=40)
@given(character=characters, seed=st.integers(0, 2**40), seconds=st.floats(1, 70))
def test_any_character_has_a_playable_score_on_its_grid(character: Character, seed: int, seconds: float):
    score = compose_notes(character, seed, seconds)
    assert score == compose_notes(character, seed, seconds)
    assert (score.beats_per_bar, score.subdivision) in {(3, 3), (3, 4), (4, 3), (4, 4)}
    for note in score.notes:
        assert note.beat * score.subdivision == pytest.approx(round(note.beat * score.subdivision), abs=1e-6)
        assert abs(note.shift) <= 0.006
        assert 0 <= score.start(note) < seconds
        assert score.duration(note) > 0
        assert 0 < note.velocity <= 1
        assert note.pitch in range(len(STROKES)) if note.part == "percussion" else 24 <= note.pitch <= 108
    assert {"bass", "accompaniment", "melody"} <= {note.part for note in score.notes}


@pytest.mark.parametrize("seconds", [5.0, 10.0, 30.0, 60.0])
def test_bars_and_ring_fill_the_length(seconds: float):
    for seed, character in enumerate(drawn(30)):
        score = compose_notes(character, seed, seconds)
        assert 54 <= score.tempo <= 172
        assert 0 <= score.ending - score.bars * score.beats_per_bar < score.beats_per_bar
        ring = seconds - score.ending * 60 / score.tempo
        assert 0.4 <= ring <= 0.25 * seconds
        last = max(note.beat for note in score.notes if note.part == "bass")
        assert last == score.ending


def test_tempo_follows_arousal_and_is_not_one_of_a_few():
    sample = drawn(120)
    tempos = [compose_notes(each, seed).tempo for seed, each in enumerate(sample)]
    assert spearmanr(tempos, [each.arousal for each in sample]).statistic > 0.8
    counts, _ = np.histogram(tempos, np.arange(54, 175, 6))
    assert counts.max() < 0.2 * len(tempos)
    again = [compose_notes(MIDDLING, seed).tempo for seed in range(20)]
    assert 0.04 < np.std(np.log(again)) < 0.2


def test_arousal_raises_the_onset_rate_sevenfold():
    counts = [mean_over_seeds(onsets, replace(MIDDLING, arousal=a)) for a in np.linspace(0, 1, 6)]
    assert counts == sorted(counts)
    assert 8 <= counts[0] <= 14
    assert 62 <= counts[-1] <= 85


@pytest.mark.parametrize("seconds", [10.0, 30.0])
def test_onset_rate_ranks_as_arousal(seconds: float):
    sample = drawn(60)
    counts = [onsets(compose_notes(each, seed, seconds)) for seed, each in enumerate(sample)]
    assert spearmanr(counts, [each.arousal for each in sample]).statistic > 0.97


@pytest.mark.parametrize("tonic", TONICS)
@pytest.mark.parametrize(("valence", "third"), [(0.05, 3), (0.4, 3), (0.6, 4), (0.95, 4)])
def test_a_piece_opens_and_closes_on_its_tonic_and_cadences(valence: float, third: int, tonic: int):
    for seed in SEEDS:
        score = compose_notes(replace(MIDDLING, valence=valence, tonic=tonic), seed)
        assert (score.tonic, pitches(score, "bass")[0] % 12) == (tonic, tonic)
        opening = classes(score, 0, 2)
        assert third in opening
        assert 7 - third not in opening
        end = score.bars * score.beats_per_bar
        assert 11 in classes(score, end - score.beats_per_bar, end)  # the leading tone, also in minor
        assert classes(score, end, np.inf) <= {0, third, 7}
        bass = sorted((note for note in score.notes if note.part == "bass"), key=lambda note: note.beat)
        assert bass[-1].pitch % 12 == tonic
        assert [n.pitch for n in score.notes if n.part == "melody"][-1] % 12 in {tonic, (tonic + third) % 12}


def test_modes_are_major_or_minor_and_others_rare():
    sample = drawn(400)
    modes = [compose_notes(each, seed, 4.0).mode for seed, each in enumerate(sample)]
    share = Counter(modes)
    assert 0.02 < 1 - (share["ionian"] + share["aeolian"]) / len(modes) <= 0.12
    for each, mode in zip(sample, modes, strict=True):
        if abs(each.valence - 0.5) > 0.05:
            assert (4 in MODES[mode]) == (each.valence > 0.5)
        if mode not in {"ionian", "aeolian"}:
            assert each.tension > 0.7


def test_progressions_are_spelled_with_known_chords_and_end_as_their_kind():
    for shade, table in PROGRESSIONS.items():
        tonic = "I" if "major" in shade else "i"
        for key, choices in table.items():
            kind, bars = key.split()
            for progression in choices:
                chords = [bar.split() for bar in progression.split("|")]
                assert len(chords) == int(bars)
                assert all(1 <= len(bar) <= 2 and all(ROOTS[name][1] in KINDS for name in bar) for bar in chords)
                ends = {"open": "V", "contrast": "V", "closed": tonic, "final": "V7", "intro": tonic}
                assert chords[-1][-1] == ends[kind]
                assert kind in {"contrast", "closed"} or chords[0][0] == tonic


def test_eight_seeds_of_a_painting_have_three_bands():
    for character in drawn(10):
        for first in (0, 1234):
            assert len({compose_notes(character, first + seed, 3.0).band for seed in range(8)}) == 3


def test_warm_and_cool_paintings_have_other_bands():
    warm, cool = (
        {compose_notes(replace(MIDDLING, warmth=warmth), seed, 3.0).band for seed in range(8)} for warmth in (1.0, 0.0)
    )
    assert not warm & cool
    assert warm | cool <= set(BANDS)


def test_percussion_enters_with_arousal():
    def strokes(score: Composition) -> int:
        return len(pitches(score, "percussion"))

    assert mean_over_seeds(strokes, replace(MIDDLING, arousal=0.05)) == 0
    assert mean_over_seeds(strokes, replace(MIDDLING, arousal=0.9)) > 60


def test_a_longer_piece_has_phrases_that_return_and_rest():
    for seed in range(12):
        score = compose_notes(MIDDLING, seed, 30.0)
        letters = score.form.replace("I", "").replace("C", "")
        assert letters[0] == letters[-1] == "A"
        assert len(letters) >= 2
        tune = sorted((note.beat, note.beats) for note in score.notes if note.part in {"melody", "answer"})
        gaps = [after - (beat + length) for (beat, length), (after, _) in pairwise(tune)]
        assert sum(gap >= 0.5 for gap in gaps) >= len(letters) - 1
    assert any("B" in compose_notes(MIDDLING, seed, 30.0).form for seed in SEEDS)


def test_the_first_melody_comes_back():
    found = 0
    for seed in range(12):
        score = compose_notes(MIDDLING, seed, 30.0)
        if "BA" not in score.form:
            continue
        found += 1
        phrase = (score.bars - 2 * score.form.count("I")) // len(score.form.replace("I", "")) * score.beats_per_bar
        at = {round(note.beat, 3) for note in score.notes if note.part == "melody"}
        opening = min(at) // score.beats_per_bar * score.beats_per_bar
        first = {beat for beat in at if beat < opening + score.beats_per_bar}
        back = phrase * (score.form.index("BA") + 1 - score.form.index("A"))
        assert first
        assert len(first & {round(beat - back, 3) for beat in at}) >= 0.7 * len(first)  # ornaments and breaths vary it
    assert found >= 3


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
        assert [(n.beat, n.pitch) for n in legato.notes] == [(n.beat, n.pitch) for n in staccato.notes]
        long, short = (
            np.mean([note.beats for note in score.notes if note.part == "melody"]) for score in (legato, staccato)
        )
        assert short < 0.75 * long


def test_tension_thickens_chords():
    warm = replace(MIDDLING, warmth=0.42, arousal=0.45)

    def tones(score: Composition) -> float:
        pads = [note.beat for note in score.notes if note.part == "pad"]
        return len(pads) / len(set(pads)) if pads else 3.0

    thickness = [mean_over_seeds(tones, replace(warm, tension=t), 20.0) for t in (0.1, 0.55, 0.9)]
    assert thickness == sorted(thickness)
    assert thickness[-1] > thickness[0] + 0.2


def test_phrases_swell_and_beats_are_accented():
    score = compose_notes(MIDDLING, 1, 30.0)
    velocity = np.array([note.velocity for note in score.notes if note.part == "accompaniment"])
    slots = np.array([round(n.beat * score.subdivision) for n in score.notes if n.part == "accompaniment"])
    bar = score.beats_per_bar * score.subdivision
    assert velocity[slots % bar == 0].mean() > 1.1 * velocity[slots % score.subdivision != 0].mean()
    assert np.ptp(20 * np.log10(velocity)) > 6


def test_seeds_give_different_pieces():
    assert len({compose_notes(MIDDLING, seed).notes for seed in range(12)}) == 12
