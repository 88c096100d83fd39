from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from art2mus_core.audio.onsets import onset_times
from art2mus_core.audio.spectra import find_peaks, pitch_of, spectra
from art2mus_core.audio.statistics import FEATURE_WEIGHTS, FEATURES, feature_vector, measure, measure_samples
from art2mus_core.audio.tonality import in_tune_share, tonal_peaks
from art2mus_core.errors import AudioError
from art2mus_core.types import Waveform

RATE = 16_000


def note(midi, seconds, *, level=0.1, partials=(1, 0.5, 0.3, 0.15, 0.1), decay=2.0):
    t = np.arange(round(seconds * RATE)) / RATE
    hertz = 440 * 2 ** ((midi - 69) / 12)
    wave = sum(a * np.sin(2 * np.pi * (k + 1) * hertz * t + k) for k, a in enumerate(partials))
    attack = np.minimum(1, t / 0.005) * np.minimum(1, (seconds - t) / 0.01)
    return (level * wave * attack * np.exp(-decay * t)).astype(np.float32)


def song(chords, *, rate=2.0, seconds=6.0, level=0.1, detune=0.0):
    """Bass and broken chords: `chords` are (bass, tones) and change every two seconds."""
    sound = np.zeros(round(seconds * RATE), np.float32)

    def put(wave, start):
        at = round(start * RATE)
        sound[at : at + len(wave)] += wave[: len(sound) - at]

    for index in range(math.ceil(seconds / 2)):
        bass, tones = chords[index % len(chords)]
        put(note(bass + detune, 2.0, level=level, decay=0.5), 2 * index)
    for index in range(int(seconds * rate)):
        _, tones = chords[int(index / rate / 2) % len(chords)]
        put(note(tones[index % len(tones)] + detune, 1 / rate, level=level, decay=3.0), index / rate)
    return sound


def cadence(tonic, third):
    """Tonic, fourth, fifth and tonic again in major (third 4) or minor (third 3)."""
    root = 36 + tonic
    return [(root + up, [24 + root + up + step for step in (0, third, 7)]) for up in (0, 5, 7, 0)]


@pytest.mark.parametrize("rate", [1.0, 2.5, 4.0, 7.0])
@pytest.mark.parametrize("gain", [1.0, 0.003])
def test_clicks_are_counted_whatever_their_loudness(rate, gain):
    clicks = np.zeros(8 * RATE, np.float32)
    generator = np.random.default_rng(0)
    for index in range(int(8 * rate)):
        at = round((index + 0.5) / rate * RATE)
        clicks[at : at + 400] += generator.normal(0, 1, 400) * np.exp(-np.arange(400) / 80)
    assert measure_samples((gain * clicks).astype(np.float32), RATE).onset_rate == pytest.approx(rate, abs=0.13)


@pytest.mark.parametrize("rate", [1.0, 2.0, 4.0, 6.0])
def test_played_notes_are_counted_even_where_a_pad_sounds_on(rate):
    pad = sum(note(m, 6.0, level=0.015, decay=0.0) for m in (48, 55, 60))
    heard = onset_times(song(cadence(0, 4), rate=rate) + pad, RATE)
    wanted = np.unique(np.concatenate([np.arange(0, 6, 1 / rate), np.arange(0, 6, 2.0)]))
    assert len(heard) == pytest.approx(len(wanted), abs=2)
    assert np.mean(np.abs(heard[:, None] - wanted).min(1) < 0.04) > 0.9


def test_a_held_tone_begins_once_and_vibrato_begins_nothing():
    t = np.arange(5 * RATE) / RATE
    vibrato = np.sin(2 * np.pi * 440 * t + 440 * 0.006 / 5.5 * np.sin(2 * np.pi * 5.5 * t))
    assert len(onset_times((0.3 * vibrato).astype(np.float32), RATE)) <= 1


def test_loudness_is_that_of_the_standard():
    t = np.arange(4 * RATE) / RATE
    tone = np.sin(2 * np.pi * 997 * t).astype(np.float32)
    assert measure_samples(tone, RATE).loudness == pytest.approx(-3.01, abs=0.05)
    assert measure_samples(0.1 * tone, RATE).loudness == pytest.approx(-23.01, abs=0.05)
    bass = np.sin(2 * np.pi * 30 * t).astype(np.float32)
    assert measure_samples(bass, RATE).loudness < -10


@pytest.mark.parametrize(("third", "sign"), [(4, 1), (3, -1)])
@pytest.mark.parametrize("tonic", range(12))
def test_mode_and_key_of_a_cadence(tonic, third, sign):
    heard = measure_samples(song(cadence(tonic, third)), RATE)
    assert heard.mode * sign > 0.4
    assert heard.key == tonic


def test_silence_before_the_music_does_not_hide_its_opening():
    late = np.concatenate([np.zeros(2 * RATE, np.float32), song(cadence(5, 3))])
    assert measure_samples(late, RATE).mode < -0.4
    assert measure_samples(late, RATE).key == 5


def test_modes_are_ordered_from_dark_to_bright():
    steps = {
        "phrygian": (0, 1, 3, 5, 7, 8, 10),
        "aeolian": (0, 2, 3, 5, 7, 8, 10),
        "mixolydian": (0, 2, 4, 5, 7, 9, 10),
        "lydian": (0, 2, 4, 6, 7, 9, 11),
    }
    scales = [[(38, [62 + scale[0], 62 + scale[2], 69, *(62 + s for s in scale)])] for scale in steps.values()]
    values = [measure_samples(song(scale, rate=5.0), RATE).mode for scale in scales]
    assert values == sorted(values)
    assert values[1] < 0 < values[2]


def test_chroma_is_a_distribution_over_the_sounding_notes():
    heard = measure_samples(note(69, 3.0, partials=(1.0,)) + note(64, 3.0, partials=(1.0,)), RATE)
    assert sum(heard.chroma) == pytest.approx(1)
    assert heard.chroma[9] == pytest.approx(0.5, abs=0.05)
    assert heard.chroma[4] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("detune", "low", "high"), [(0.0, 0.8, 1.0), (0.1, 0.6, 1.0), (0.5, 0.0, 0.25)])
def test_in_tune_share_tells_tuned_from_detuned(detune, low, high):
    sound = song(cadence(2, 4), rate=1.0, detune=detune)
    assert low <= measure_samples(sound, RATE).in_tune <= high


def test_noise_is_in_tune_by_chance_only_and_flat():
    noise = np.random.default_rng(0).normal(0, 0.1, 8 * RATE).astype(np.float32)
    heard = measure_samples(noise, RATE)
    assert heard.in_tune == pytest.approx(0.30, abs=0.03)
    assert heard.flatness == pytest.approx(-2.5, abs=0.3)
    assert measure_samples(song(cadence(0, 4)), RATE).flatness < -15


def test_peaks_lie_between_bins_and_read_the_amplitude():
    t = np.arange(2 * RATE) / RATE
    sound = (0.3 * np.sin(2 * np.pi * 441.3 * t) + 0.1 * np.sin(2 * np.pi * 700.7 * t)).astype(np.float32)
    peaks = find_peaks(spectra(sound, 8192, 2048), RATE / 8192, lowest=60.0, highest=2000.0, depth=30.0)
    inner = peaks.frame == 8
    assert np.allclose(np.sort(peaks.hertz[inner]), [441.3, 700.7], atol=0.15)
    assert np.allclose(np.sort(peaks.amplitude[inner]), [0.1, 0.3], rtol=0.05)
    assert np.allclose(pitch_of(np.array([440.0, 880.0])), [69, 81])


def test_higher_and_brighter_music_reads_so():
    low, high = (measure_samples(song([(36, [60 + up, 64 + up, 67 + up])]), RATE) for up in (0, 12))
    assert low.register < high.register - 2
    dull, bright = (measure_samples(note(60, 3.0, partials=p), RATE) for p in ((1.0, 0.1), (1.0, 0.9, 0.8, 0.7, 0.6)))
    assert bright.brightness > dull.brightness + 0.8


def test_the_rate_of_the_file_hardly_matters():
    t = np.arange(44_100 * 3) / 44_100
    sound = (0.2 * np.sin(2 * np.pi * 440 * t) * (np.sin(2 * np.pi * 2 * t) > 0)).astype(np.float32)
    fine, coarse = measure_samples(sound, 44_100), measure(Waveform(torch.from_numpy(sound[::2])[None, None], 22_050))
    assert fine.onset_rate == pytest.approx(coarse.onset_rate, abs=0.4)
    assert fine.loudness == pytest.approx(coarse.loudness, abs=0.1)
    assert fine.key == coarse.key == 9


@pytest.mark.parametrize("samples", [np.zeros(RATE, np.float32), np.ones(1, np.float32), np.full(30, 0.2, np.float32)])
def test_silence_and_snippets_have_finite_statistics(samples):
    heard = measure_samples(samples, RATE)
    assert np.isfinite(feature_vector(heard)).all()
    assert heard.onset_rate == 0
    if not samples.any():
        assert heard.loudness == -70
        assert in_tune_share(tonal_peaks(samples, RATE)[0]) == 0


def test_features_are_named_in_order():
    heard = measure_samples(song(cadence(0, 4)), RATE)
    named = dict(zip(FEATURES, feature_vector(heard), strict=True))
    assert named["onset rate"] == pytest.approx(math.log(heard.onset_rate + 0.5))
    assert named["mode"] == heard.mode
    assert named["chroma G"] == heard.chroma[7]
    weights = dict(zip(FEATURES, FEATURE_WEIGHTS, strict=True))
    assert sum(weight**2 for name, weight in weights.items() if name.startswith("chroma")) == pytest.approx(1)
    assert weights["onset rate"] == 1


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(AudioError, match="0 samples"):
        measure_samples(np.zeros(0, np.float32), RATE)
    with pytest.raises(AudioError, match="2 of them finite"):
        measure_samples(np.array([0.1, np.nan, 0.2], np.float32), RATE)
    with pytest.raises(AudioError, match="one by one"):
        measure(Waveform(torch.zeros(2, 1, 50), RATE))
