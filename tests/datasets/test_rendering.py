from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from art2mus_core.character import Character
from art2mus_core.datasets.synthetic.composing import Composition, Note
from art2mus_core.datasets.synthetic.rendering import RATE, compose, loudness_of, render
from art2mus_core.datasets.synthetic.voices import DRUMS, VOICES, drum, tone

MIDDLING = Character(arousal=0.5, valence=0.5, warmth=0.5, height=0.5, tension=0.2, detachment=0.5, tonic=2)
SECONDS = 2.7
VOICE_NAMES = [(part, name) for part, voices in VOICES.items() for name in voices]


def decibels(samples: np.ndarray) -> float:
    return 10 * np.log10(np.mean(samples.astype(np.float64) ** 2))


def centroid(samples: np.ndarray, rate: int = RATE) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float(np.sum(power * np.fft.rfftfreq(len(samples), 1 / rate)) / np.sum(power))


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_a_piece_is_sound_and_its_seed_makes_it_again(seed: int):
    piece = compose(MIDDLING, seed, SECONDS)
    assert piece.dtype == np.float32
    assert piece.shape == (round(SECONDS * RATE),)
    assert np.abs(piece).max() <= 0.89
    assert piece[0] == piece[-1] == 0
    assert abs(piece.mean()) < 1e-3
    np.testing.assert_array_equal(piece, compose(MIDDLING, seed, SECONDS))


def test_seeds_sound_different():
    pieces = [compose(MIDDLING, seed, SECONDS) for seed in range(3)]
    assert all(np.abs(a - b).max() > 0.05 for a, b in pairwise(pieces))


def test_another_rate_is_the_same_piece():
    low = compose(MIDDLING, 3, SECONDS, rate=12_000)
    assert low.shape == (round(SECONDS * 12_000),)
    assert decibels(low) == pytest.approx(decibels(compose(MIDDLING, 3, SECONDS)), abs=0.3)


def test_arousal_sets_the_loudness():
    levels = []
    for arousal in np.linspace(0, 1, 5):
        character = replace(MIDDLING, arousal=float(arousal))
        measured = [decibels(compose(character, seed, SECONDS)) for seed in range(2)]
        assert measured == pytest.approx([loudness_of(character)] * 2, abs=0.8)
        levels.append(np.mean(measured))
    assert levels == sorted(levels)
    assert levels[-1] - levels[0] == pytest.approx(24, abs=1)


def test_warmth_lowers_the_spectral_centroid():
    means = [
        np.mean([centroid(compose(replace(MIDDLING, warmth=warmth), seed, SECONDS)) for seed in range(6)])
        for warmth in (0.0, 0.5, 1.0)
    ]
    assert means == sorted(means, reverse=True)
    assert means[-1] < 0.75 * means[0]


def test_one_note_sounds_at_its_pitch_and_time():
    score = Composition((Note("melody", 0.5, 1.0, 69, 1.0),), 60.0, "ionian", 9, 2.0)
    piece = render(score, replace(MIDDLING, arousal=1.0), 5)
    assert decibels(piece[: RATE // 2 - 100] + 1e-9) < decibels(piece[RATE // 2 : RATE]) - 60
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece))))
    fundamental = np.fft.rfftfreq(len(piece), 1 / RATE)[spectrum[: 600 * 2].argmax()]
    assert fundamental == pytest.approx(440, abs=2)


@pytest.mark.parametrize(("part", "name"), VOICE_NAMES)
def test_every_voice_is_in_tune_and_about_unit_loud(part: str, name: str):
    voice, rate = replace(VOICES[part][name], vibrato=0.0, chorus=0.0), 11_025
    sound = tone(voice, 60, 1.0, 0.5, rate)
    assert len(sound) == rate + int(voice.release * rate)
    assert 0.3 < np.sqrt(np.mean(sound[rate // 5 : rate // 3] ** 2)) < 1.3
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 17)) ** 2
    hertz = np.fft.rfftfreq(1 << 17, 1 / rate)
    partials = hertz / 261.6256
    near = np.abs(partials - np.round(partials)) < 0.03
    assert power[near & (partials > 0.5)].sum() > 0.97 * power.sum()


def test_no_voice_folds_back_at_the_top_of_its_range():
    for part, name in VOICE_NAMES:
        sound = tone(VOICES[part][name], 96, 0.5, 1.0, RATE)
        power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
        hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
        assert power[hertz < 1900].sum() < 2e-3 * power.sum(), (part, name)


@pytest.mark.parametrize("index", range(len(DRUMS)))
def test_a_stroke_is_short_and_always_the_same(index: int):
    stroke = drum(index, 9000)
    assert len(stroke) < 0.3 * 9000
    assert np.abs(stroke[-100:]).max() < 0.2 * np.abs(stroke).max()
    drum.cache_clear()
    np.testing.assert_array_equal(stroke, drum(index, 9000))
