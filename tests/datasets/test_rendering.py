from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from art2mus_core.character import TONICS, Character
from art2mus_core.datasets.synthetic.bands import BANDS, choose_band
from art2mus_core.datasets.synthetic.composing import Composition, Note
from art2mus_core.datasets.synthetic.drums import STROKES, VARIANTS, stroke
from art2mus_core.datasets.synthetic.harmony import MODES
from art2mus_core.datasets.synthetic.rendering import RATE, compose, compose_notes, loudness_of, render
from art2mus_core.datasets.synthetic.rooms import limit, reverberate
from art2mus_core.datasets.synthetic.voices import VOICES, tone
from art2mus_core.measure.sound.loudness import integrated_loudness
from art2mus_core.measure.sound.music import measure_samples

MIDDLING = Character(arousal=0.5, valence=0.6, warmth=0.5, height=0.5, tension=0.2, detachment=0.4, tonic=2)
SECONDS, LOW = 3.1, 16_000


def levels(samples: np.ndarray, rate: int = RATE) -> np.ndarray:
    """Levels of 50 ms in decibels, of the channels' mean."""
    size = rate // 20
    mid = samples.mean(0).astype(np.float64)
    return 10 * np.log10((mid[: len(mid) // size * size].reshape(-1, size) ** 2).mean(1) + 1e-18)


def drawn(count: int) -> list[Character]:
    rng = np.random.default_rng(17)
    return [Character(*rng.random(6), tonic=int(rng.choice(TONICS))) for _ in range(count)]


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_a_piece_is_sound_and_its_seed_makes_it_again(seed: int):
    piece = compose(MIDDLING, seed, SECONDS)
    assert piece.dtype == np.float32
    assert piece.shape == (2, round(SECONDS * RATE))
    assert np.abs(piece).max() <= 10 ** (-1 / 20)
    assert not piece[:, 0].any()
    assert not piece[:, -1].any()
    assert np.abs(piece.mean(1)).max() < 1e-3
    assert np.abs(np.diff(piece[:, -200:])).max() < 1e-3
    np.testing.assert_array_equal(piece, compose(MIDDLING, seed, SECONDS))


def test_seeds_sound_different():
    pieces = [compose(MIDDLING, seed, SECONDS) for seed in range(3)]
    assert all(np.abs(a - b).max() > 0.05 for a, b in pairwise(pieces))


def test_another_rate_and_mono_are_the_same_piece():
    whole, low = compose(MIDDLING, 3, SECONDS), compose(MIDDLING, 3, SECONDS, LOW, 1)
    assert low.shape == (1, round(SECONDS * LOW))
    count = min(len(levels(whole)), len(levels(low, LOW))) - 12
    assert np.corrcoef(levels(whole)[:count], levels(low, LOW)[:count])[0, 1] > 0.9


def test_arousal_sets_the_loudness():
    heard = []
    for arousal in np.linspace(0, 1, 5):
        character = replace(MIDDLING, arousal=float(arousal))
        measured = [integrated_loudness(compose(character, seed, 6.0), RATE) for seed in range(2)]
        assert measured == pytest.approx([loudness_of(character)] * 2, abs=0.8)
        heard.append(np.mean(measured))
    assert heard == sorted(heard)
    assert (heard[0], heard[-1]) == pytest.approx((-29, -14.5), abs=0.8)


def test_warm_pieces_are_darker():
    def brightness(warmth: float, seed: int) -> float:
        return measure_samples(compose(replace(MIDDLING, warmth=warmth), seed, 6.0, LOW, 1), LOW).brightness

    means = [np.mean([brightness(warmth, seed) for seed in range(4)]) for warmth in (0.0, 0.5, 1.0)]
    assert means == sorted(means, reverse=True)
    assert means[0] - means[-1] > 1.0  # octaves


@pytest.mark.parametrize("seconds", [5.0, 10.0, 30.0])
def test_pieces_end(seconds: float):
    for seed, character in enumerate(drawn(6)):
        heard = levels(compose(character, seed, seconds, LOW, 1), LOW)
        assert np.median(heard) - heard[-10:].mean() > 10
        assert np.mean(heard[: -round(20 * 0.25 * seconds)] < -60) < 0.1  # and are hardly silent before


def test_levels_vary_within_a_piece():
    ranges = []
    for seed, character in enumerate(drawn(12)):
        low, high = np.percentile(levels(compose(character, seed, 12.0, LOW, 1), LOW), (5, 95))
        ranges.append(high - low)
    assert np.median(ranges) > 11


def test_channels_differ_and_their_sum_keeps_the_sound():
    for seed, character in enumerate(drawn(8)):
        left, right = compose(character, seed, 5.0).astype(np.float64)
        mid, side = np.mean(((left + right) / 2) ** 2), np.mean(((left - right) / 2) ** 2)
        assert 0.01 < side / mid < 0.4  # loses at most 1.5 dB


def test_the_mode_is_heard_and_mostly_the_tonic():
    right, tonic = [], []
    for seed, character in enumerate(drawn(24)):
        score = compose_notes(character, seed, 8.0)
        heard = measure_samples(render(score, character, seed, LOW, 1), LOW)
        right.append((heard.mode > 0) == (4 in MODES[score.mode]))
        tonic.append(heard.key == score.tonic)
    assert np.mean(right) >= 0.85
    assert np.mean(tonic) >= 0.8


def test_bands_sound_different():
    """The nearest other piece, by mean and deviation of a third-octave spectrum, is mostly of the same band."""
    features, names = [], []
    for name, band in BANDS.items():
        character = replace(MIDDLING, warmth=band.warmth, arousal=float(np.clip(band.arousal, 0.3, 0.7)))
        seeds = [seed for seed in range(40) if choose_band(character, seed) == name][:4]
        assert len(seeds) == 4
        for seed in seeds:
            piece = compose(character, seed, 5.0, LOW, 1)[0]
            power = np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(piece, 1024)[::512] * np.hanning(1024)))
            edges = np.unique(np.geomspace(3, 512, 22).astype(int))
            bands = np.log(np.add.reduceat(power**2, edges[:-1], axis=1) + 1e-6)
            bands -= bands.mean()
            features.append(np.concatenate([bands.mean(0), bands.std(0)]))
            names.append(name)
    X = np.array(features)
    far = np.linalg.norm(X[:, None] - X[None], axis=2) + 1e9 * np.eye(len(X))
    same = [names[index] == names[nearest] for index, nearest in enumerate(far.argmin(1))]
    assert np.mean(same) > 0.6  # 0.11 by chance


def test_one_note_sounds_at_its_pitch_and_time():
    score = Composition((Note("melody", 0.5, 1.0, 69, 1.0),), 60.0, "ionian", 9, 2.0)
    piece = render(score, replace(MIDDLING, arousal=1.0), 5).mean(0)
    assert np.abs(piece[: RATE // 2 - 100]).max() < 1e-3 * np.abs(piece).max()
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece))))
    fundamental = np.fft.rfftfreq(len(piece), 1 / RATE)[spectrum[: 600 * 2].argmax()]
    assert fundamental == pytest.approx(440, abs=2)


def plain(name: str):
    return replace(VOICES[name], vibrato=0.0, noise=0.0, breath=0.0, copies=1)


@pytest.mark.parametrize("name", VOICES)
def test_every_voice_is_in_tune_and_about_unit_loud(name: str):
    rate = 11_025
    sound = tone(plain(name), 60, 1.0, 0.8, brightness=0.5, rate=rate)
    assert len(sound) == rate
    assert 0.3 < max(np.sqrt(np.mean(part**2)) for part in np.array_split(sound, 20)) < 1.4
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 18))
    hertz = np.fft.rfftfreq(1 << 18, 1 / rate)
    near = (hertz > 240) & (hertz < 285)
    assert hertz[near][spectrum[near].argmax()] == pytest.approx(261.63, rel=0.002)


@pytest.mark.parametrize("name", VOICES)
def test_no_voice_folds_back_at_the_top_of_its_range(name: str):
    sound = tone(plain(name), 96, 0.5, 1.0, brightness=1.0, rate=LOW)
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    assert power[np.fft.rfftfreq(len(sound), 1 / LOW) < 1900].sum() < 2e-3 * power.sum()


@pytest.mark.parametrize("name", ["piano", "guitar", "music box", "marimba", "violin", "lead"])
def test_louder_notes_are_brighter(name: str):
    def centroid(velocity: float) -> float:
        power = np.abs(np.fft.rfft(tone(plain(name), 57, 0.5, velocity, brightness=0.5, rate=RATE))) ** 2
        return float(power @ np.fft.rfftfreq(RATE // 2, 1 / RATE) / power.sum())

    assert centroid(0.9) > 1.03 * centroid(0.3)


@pytest.mark.parametrize("name", STROKES)
def test_a_stroke_begins_at_once_and_is_always_the_same(name: str):
    strokes = [stroke(name, variant, 0.5, RATE) for variant in range(VARIANTS)]
    for one in strokes:
        assert np.abs(one).max() == pytest.approx(1)
        assert np.abs(one[: round(0.04 * RATE)]).max() > 0.5
        assert np.abs(one[-50:]).max() < 0.01
        assert abs(one.mean()) < 0.01
    stroke.cache_clear()
    np.testing.assert_array_equal(strokes[0], stroke(name, 0, 0.5, RATE))


def test_a_room_answers_late_in_two_independent_channels():
    impulse = np.zeros(2 * RATE, np.float32)
    impulse[0] = 1
    left, right = reverberate(impulse, 1.2, RATE)
    assert np.abs(left[: round(0.008 * RATE)]).max() < 1e-6
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.2
    early, late = (np.sum(left[a:b] ** 2) for a, b in ((0, RATE // 2), (RATE // 2, RATE)))
    assert late < 0.05 * early


def test_the_limiter_keeps_the_shape_of_waves():
    time = np.arange(RATE) / RATE
    loud = np.stack([2.0 * np.sin(2 * np.pi * 440 * time)] * 2).astype(np.float32)
    limited = limit(loud, RATE)
    assert np.abs(limited).max() <= 10 ** (-1 / 20)
    spectrum = np.abs(np.fft.rfft(limited[0][RATE // 4 : -RATE // 4] * np.hanning(RATE // 2))) ** 2
    assert spectrum[220 - 3 : 220 + 4].sum() > 0.9999 * spectrum.sum()
    quiet = 0.1 * loud
    np.testing.assert_array_equal(limit(quiet, RATE), quiet)
