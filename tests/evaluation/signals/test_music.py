from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pytest
from scipy.signal import resample_poly
from scipy.stats import spearmanr

from art2mus_core.datasets.synthetic.correspondence import Character
from art2mus_core.datasets.synthetic.rendering import compose
from art2mus_core.errors import AudioError
from art2mus_core.evaluation.signals.music import FACTS, MusicFacts, listen

RATE = 16_000


def sine(hertz, seconds=3.0, amplitude=0.5, rate=RATE):
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def clicks(per_second, seconds=8.0):
    sound = np.zeros(round(seconds * RATE))
    generator = np.random.default_rng(0)
    for index in range(int(seconds * per_second)):
        at = round((index + 0.5) / per_second * RATE)
        sound[at : at + 400] += 0.3 * generator.normal(0, 1, 400) * np.exp(-np.arange(400) / 80)
    return sound


def chord(pitches, seconds):
    return sum(sine(440 * 2 ** ((p - 69) / 12), seconds, 0.1) for p in pitches)


def cadence(third, tonic=48):
    """Tonic, fourth, fifth and tonic; the first two chords and the last have the key's third, the fifth is major."""
    chords = [(0, third), (5, third), (7, 4), (0, third)]
    return np.concatenate([chord((tonic + up, tonic + up + step, tonic + up + 7), 1.0) for up, step in chords])


@pytest.fixture(scope="module")
def band():
    """Pieces of 8 s with a known cause: characters and what is heard; and the first sound."""
    rng = np.random.default_rng(5)
    characters = [Character(*rng.random(6), tonic=int(rng.integers(12))) for _ in range(20)]
    sounds = [compose(each, seed, 4.0) for seed, each in enumerate(characters)]
    return characters, [listen(sound, RATE) for sound in sounds], sounds[0]


def heard(facts, name):
    return [getattr(fact, name) for fact in facts]


def test_every_fact_can_be_shown():
    assert list(FACTS) == [field.name for field in fields(MusicFacts)]


@pytest.mark.parametrize("per_second", [1.0, 2.5, 4.0, 7.0])
def test_clicks_are_counted(per_second):
    assert listen(clicks(per_second), RATE).onset_rate == pytest.approx(per_second, abs=0.13)


@pytest.mark.parametrize("per_minute", [90, 120, 150])
def test_the_tempo_of_clicks_is_the_beat(per_minute):
    assert listen(clicks(per_minute / 60), RATE).tempo == pytest.approx(per_minute, rel=0.03)


@pytest.mark.parametrize(("hertz", "weight"), [(1000.0, 0.0), (100.0, -19.1), (4000.0, 1.0)])
def test_loudness_is_the_level_after_a_weighting(hertz, weight):
    """Weights after IEC 61672-1, table 3."""
    assert listen(sine(hertz, amplitude=1.0), RATE).loudness == pytest.approx(-3.01 + weight, abs=0.2)


def test_a_gain_changes_loudness_only():
    sound = clicks(3.0) + 0.2 * np.concatenate([cadence(4), cadence(4)])
    once, twice = listen(sound, RATE), listen(2 * sound, RATE)
    assert twice.loudness - once.loudness == pytest.approx(20 * math.log10(2), abs=1e-3)
    for name in set(FACTS) - {"loudness"}:
        assert getattr(twice, name) == pytest.approx(getattr(once, name), rel=1e-4), name


@pytest.mark.parametrize("hertz", [220.0, 1000.0, 3000.0])
def test_brightness_of_a_sine_is_its_frequency(hertz):
    assert listen(sine(hertz), RATE).brightness == pytest.approx(math.log2(hertz), abs=0.02)


def test_silence_around_a_sound_leaves_its_brightness():
    sound = np.concatenate([np.zeros(2 * RATE), sine(1000.0), np.zeros(RATE)])
    assert listen(sound, RATE).brightness == pytest.approx(math.log2(1000), abs=0.05)


@pytest.mark.parametrize("pitch", [40, 57, 69, 90])
def test_register_of_a_sine_is_its_pitch(pitch):
    assert listen(sine(440 * 2 ** ((pitch - 69) / 12)), RATE).register == pytest.approx(pitch, abs=0.2)


def test_three_tones_are_three_times_as_dense_as_one():
    one, three = (listen(chord(tones, 3.0), RATE).density for tones in ((60,), (60, 67, 76)))
    assert three == pytest.approx(3 * one, rel=0.15)


def test_dynamics_is_the_step_between_loud_and_soft():
    """A tenth is loud, a seventh is soft."""
    sound = np.concatenate([sine(440.0, 0.4, 0.5), sine(440.0, 3.0, 0.2), sine(440.0, 0.6, 0.05)])
    assert listen(sound, RATE).dynamics == pytest.approx(20.0, abs=0.1)
    assert listen(sine(440.0), RATE).dynamics == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("tonic", [43, 48, 54])
def test_mode_is_positive_in_major_and_negative_in_minor(tonic):
    assert listen(cadence(4, tonic), RATE).mode > 0.1
    assert listen(cadence(3, tonic), RATE).mode < -0.1


def test_other_rates_read_the_same(band):
    sound = band[2]
    high = listen(resample_poly(sound, 441, 160), 44_100)
    for name, value in vars(listen(sound, RATE)).items():
        assert getattr(high, name) == pytest.approx(value, rel=0.02, abs=0.01), name


@pytest.mark.parametrize(
    ("fact", "cause", "least"),
    [
        ("onset_rate", "arousal", 0.95),
        ("loudness", "arousal", 0.9),
        ("density", "arousal", 0.6),
        ("mode", "valence", 0.3),
        ("dynamics", "detachment", 0.3),
        ("register", "height", 0.3),
    ],
)
def test_composed_music_is_heard_to_rise_with_its_cause(band, fact, cause, least):
    characters, facts, _ = band
    assert spearmanr(heard(facts, fact), heard(characters, cause)).statistic > least


def test_warm_music_is_heard_to_be_darker(band):
    characters, facts, _ = band
    assert spearmanr(heard(facts, "brightness"), heard(characters, "warmth")).statistic < -0.3


def test_silence_has_no_brightness_no_pitch_and_no_tempo():
    fact = listen(np.zeros(2 * RATE), RATE)
    assert (fact.onset_rate, fact.loudness, fact.dynamics) == (0.0, -90.0, 0.0)
    assert all(math.isnan(getattr(fact, name)) for name in ("tempo", "brightness", "register", "density", "mode"))


def test_one_beginning_is_no_tempo():
    assert math.isnan(listen(np.concatenate([np.zeros(RATE), sine(440.0)]), RATE).tempo)


@pytest.mark.parametrize("sound", [np.ones(RATE) * 0.1, np.eye(1, RATE, 77)[0], sine(7000.0, 1.0)])
def test_odd_sounds_are_measured_without_a_warning(sound):
    assert math.isfinite(listen(sound, RATE).loudness)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_refused(bad):
    sound = sine(440.0)
    sound[17] = bad
    with pytest.raises(AudioError, match="1 of 48000 samples"):
        listen(sound, RATE)


def test_a_clip_shorter_than_a_second_is_refused():
    with pytest.raises(AudioError, match=r"0\.99 s"):
        listen(sine(440.0, 0.99), RATE)
