from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.character import Character
from art2mus_core.datasets.synthetic.rendering import compose
from art2mus_core.errors import AudioError
from art2mus_core.measure.sound.faults import clipping, faults

RATE = 16_000


def sine(hertz, seconds=2.0, amplitude=0.5, rate=RATE):
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def sixteen_bit(sound):
    return (np.rint(np.clip(sound, -1, 1) * 32767) / 32768).astype(np.float32)


@pytest.fixture(scope="module")
def music():
    rng = np.random.default_rng(3)
    return [compose(Character(*rng.random(6), tonic=0), seed, 10.0, RATE, 1)[0] for seed in range(3)]


def test_composed_music_has_no_fault(music):
    for sound in music:
        found = faults(sixteen_bit(sound)[None], RATE)
        assert (found.clipping, found.looped) == (0.0, False)
        assert found.silence < 0.06  # the ending
        assert found.dc < 1e-3
        assert found.peak == pytest.approx(20 * np.log10(np.abs(sound).max()), abs=0.01)


def test_silence_is_the_share_of_windows_below_the_threshold():
    sound = np.concatenate([sine(440.0, 3.0), np.zeros(RATE), sine(440.0, 1.0, 0.0013), sine(440.0, 1.0, 0.0015)])
    assert faults(sound[None], RATE).silence == pytest.approx(2 / 6, abs=0.01)  # 0.0013 is -60.7 dBFS, 0.0015 -59.5


def test_digital_silence_has_no_peak_and_no_loop():
    found = faults(np.zeros((2, RATE)), RATE)
    assert (found.silence, found.clipping, found.dc, found.peak, found.repetition) == (1.0, 0.0, 0.0, -math.inf, 0.0)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("gain", [1.0, 0.4])
def test_clipping_is_the_share_that_was_cut_off(level, gain):
    sound = sine(440.0, amplitude=1.0)
    cut = sixteen_bit(gain * np.clip(sound, -level, level))
    assert faults(cut[None], RATE).clipping == pytest.approx(np.mean(np.abs(sound) >= level), abs=0.005)
    assert faults(sixteen_bit(gain * sound)[None], RATE).clipping == 0


@pytest.mark.parametrize("amplitude", [0.002, 0.05, 1.0])
@pytest.mark.parametrize("hertz", [50.0, 440.0])
def test_tones_of_any_loudness_are_not_clipped(hertz, amplitude):
    assert faults(sixteen_bit(sine(hertz, amplitude=amplitude))[None], RATE).clipping == 0


@given(st.lists(st.sampled_from([-1.0, -0.995, -0.5, 0.0, 0.5, 0.995, 1.0]), min_size=4, max_size=30))
def test_flat_tops_are_what_a_loop_finds(values):
    sound = np.array([1.0, 0.0, *values])
    slow = np.zeros(len(sound), bool)
    start = 0
    for end in range(1, len(sound) + 1):
        if end == len(sound) or sound[end] != sound[start]:
            if end - start >= 3 and abs(sound[start]) >= 0.99:
                slow[start:end] = True
            start = end
    assert clipping(sound[None]) == slow.mean()


def test_one_clipped_channel_of_two_counts_half():
    whole = sine(440.0, amplitude=1.0)
    cut = np.clip(whole, -0.5, 0.5)
    alone, beside = (faults(sixteen_bit(sound), RATE).clipping for sound in (cut[None], np.stack([cut, whole])))
    assert beside == pytest.approx(alone / 2)


def test_dc_is_the_worst_channel():
    tone = sine(440.0, amplitude=0.1)
    assert faults(np.stack([tone + 0.01, tone - 0.03]), RATE).dc == pytest.approx(0.03, abs=1e-6)


@pytest.mark.parametrize("seconds", [0.71, 1.3, 2.113, 4.9])
@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_a_loop_is_found_with_its_length(music, seconds, noise):
    sound = music[1]
    segment = sound[3 * RATE : 3 * RATE + round(seconds * RATE)]
    looped = np.resize(segment, len(sound)) + noise * np.random.default_rng(0).normal(size=len(sound))
    found = faults(sixteen_bit(looped)[None], RATE)
    assert found.looped
    times = found.period / seconds
    assert times == pytest.approx(round(times), abs=0.02)


def test_a_steady_tone_and_noise_are_no_loops():
    noise = np.random.default_rng(0).normal(0, 0.1, 5 * RATE)
    for sound in (sine(440.0, 5.0), noise, sine(440.0, 5.0) + 0.1 * noise):
        assert faults(sound[None], RATE).repetition < 0.2


def test_faults_are_found_at_any_rate(music):
    looped = np.resize(music[0][3 * RATE : 3 * RATE + 20_801], len(music[0]))
    looped[-RATE:] = 0
    high = np.repeat(looped, 3)
    low = faults(looped[None], RATE)
    assert low.silence == pytest.approx(0.1, abs=0.01)
    assert faults(high[None], 48_000).period == pytest.approx(low.period, abs=0.02)
    assert faults(high[None], 48_000).silence == low.silence


def test_a_clip_of_a_second_is_measured():
    assert math.isfinite(faults(sine(440.0, 1.0)[None], RATE).repetition)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(AudioError, match="without samples"):
        faults(np.zeros((1, 0)), RATE)
    with pytest.raises(AudioError, match="2 of 32000 samples that are NaN"):
        faults(np.full((2, RATE), [[np.nan] + [0.0] * (RATE - 1)]), RATE)
