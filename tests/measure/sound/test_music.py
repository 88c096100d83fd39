from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import resample_poly
from scipy.stats import spearmanr

from art2mus_core.audio.transforms import FACTORS, fast_length
from art2mus_core.character import Character
from art2mus_core.datasets.synthetic.rendering import compose
from art2mus_core.errors import AudioError
from art2mus_core.measure.sound.loudness import integrated_loudness
from art2mus_core.measure.sound.music import FACTS, measure, measure_samples
from art2mus_core.measure.sound.onsets import onset_strength, onset_times
from art2mus_core.measure.sound.spectra import find_peaks, pitch_of, spectra
from art2mus_core.measure.sound.tonality import in_tune_share, tonal_peaks
from art2mus_core.types import Waveform

RATE = 16_000


def heard_in(samples, rate=RATE):
    """The measures of mono samples."""
    return measure_samples(np.asarray(samples, np.float32)[None], rate)


def onsets_of(samples):
    return onset_times(onset_strength(spectra(samples, 1024, 160), RATE))


def sine(hertz, seconds=3.0, amplitude=0.5, rate=RATE):
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def chord(pitches, seconds):
    return sum(sine(440 * 2 ** ((p - 69) / 12), seconds, 0.1) for p in pitches)


def clicks(per_second, seconds=8.0):
    sound = np.zeros(round(seconds * RATE))
    generator = np.random.default_rng(0)
    for index in range(int(seconds * per_second)):
        at = round((index + 0.5) / per_second * RATE)
        sound[at : at + 400] += 0.3 * generator.normal(0, 1, 400) * np.exp(-np.arange(400) / 80)
    return sound


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
    """Tonic, fourth, fifth and tonic again in major (third 4) or minor (third 3); the fifth is major in both."""
    chords = [(36 + tonic + up, step) for up, step in ((0, third), (5, third), (7, 4), (0, third))]
    return [(root, [24 + root, 24 + root + step, 24 + root + 7]) for root, step in chords]


@pytest.mark.parametrize("rate", [1.0, 2.5, 4.0, 7.0])
@pytest.mark.parametrize("gain", [1.0, 0.01])
def test_clicks_are_counted_whatever_their_loudness(rate, gain):
    assert heard_in(gain * clicks(rate)).onset_rate == pytest.approx(rate, abs=0.13)


@pytest.mark.parametrize("rate", [1.0, 2.0, 4.0, 6.0])
def test_played_notes_are_counted_even_where_a_pad_sounds_on(rate):
    pad = sum(note(m, 6.0, level=0.015, decay=0.0) for m in (48, 55, 60))
    heard = onsets_of(song(cadence(0, 4), rate=rate) + pad)
    wanted = np.unique(np.concatenate([np.arange(0, 6, 1 / rate), np.arange(0, 6, 2.0)]))
    assert len(heard) == pytest.approx(len(wanted), abs=2)
    assert np.mean(np.abs(heard[:, None] - wanted).min(1) < 0.04) > 0.9


def test_a_held_tone_begins_once_and_vibrato_begins_nothing():
    t = np.arange(5 * RATE) / RATE
    vibrato = np.sin(2 * np.pi * 440 * t + 440 * 0.006 / 5.5 * np.sin(2 * np.pi * 5.5 * t))
    assert len(onsets_of((0.3 * vibrato).astype(np.float32))) <= 1


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_loudness_is_that_of_the_standard(rate):
    """A sine of 997 Hz in one channel reads its level (BS.1770-4); in two channels 3 dB more."""
    tone = sine(997, 4.0, 0.1, rate)
    assert heard_in(tone, rate).loudness == pytest.approx(-23.01, abs=0.05)
    assert integrated_loudness(np.stack([tone, tone]), rate) == pytest.approx(-20.0, abs=0.05)
    assert heard_in(sine(30, 4.0, 1.0, rate), rate).loudness < -10


def test_loudness_is_gated():
    """EBU Tech 3341, case 3, in shorter parts: what is 13 dB quieter than the rest does not count."""
    parts = [sine(997, seconds, 10 ** (level / 20)) for level, seconds in ((-36, 2), (-23, 8), (-36, 2))]
    sound = np.concatenate(parts)
    assert integrated_loudness(np.stack([sound, sound]), RATE) == pytest.approx(-23.0, abs=0.2)


@pytest.mark.parametrize("tonic", range(12))
def test_mode_and_key_of_a_cadence(tonic):
    """Overtones hold a major third: a rich minor reads near 0, far below its major."""
    major, minor = (heard_in(song(cadence(tonic, third), seconds=10.0)) for third in (4, 3))
    assert major.key == minor.key == tonic
    assert major.mode > 0.2
    assert major.mode > minor.mode + 0.2


@pytest.mark.parametrize("tonic", [43, 48, 54])
def test_mode_is_positive_in_major_and_negative_in_minor(tonic):
    for third, sign in ((4, 1), (3, -1)):
        chords = [(0, third), (5, third), (7, 4), (0, third)]
        sound = np.concatenate([chord([tonic + up + step for step in (0, own, 7)], 1.0) for up, own in chords])
        assert heard_in(sound).mode * sign > 0.05


def test_silence_before_the_music_changes_nothing():
    music = song(cadence(5, 3), seconds=10.0)
    late = heard_in(np.concatenate([np.zeros(2 * RATE, np.float32), music]))
    assert late.mode == pytest.approx(heard_in(music).mode, abs=0.01)
    assert late.key == 5


@pytest.mark.parametrize("tonic", range(0, 12, 3))
def test_mode_and_key_do_not_depend_on_where_the_music_begins(tonic):
    for third in (4, 3):
        first, *rest = cadence(tonic, third)
        turned, whole = (heard_in(song(chords, seconds=8.0)) for chords in ([*rest, first], [first, *rest]))
        assert turned.key == whole.key == tonic
        assert turned.mode == pytest.approx(whole.mode, abs=0.05)


def test_chroma_is_a_distribution_over_the_sounding_notes():
    heard = heard_in(note(69, 3.0, partials=(1.0,)) + note(64, 3.0, partials=(1.0,)))
    assert sum(heard.chroma) == pytest.approx(1)
    assert heard.chroma[9] == pytest.approx(0.5, abs=0.05)
    assert heard.chroma[4] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("detune", "low", "high"), [(0.0, 0.8, 1.0), (0.1, 0.6, 1.0), (0.5, 0.0, 0.25)])
def test_in_tune_share_tells_tuned_from_detuned(detune, low, high):
    sound = song(cadence(2, 4), rate=1.0, detune=detune)
    assert low <= heard_in(sound).in_tune <= high


def test_noise_is_in_tune_by_chance_only_and_flat():
    noise = np.random.default_rng(0).normal(0, 0.1, 8 * RATE).astype(np.float32)
    heard = heard_in(noise)
    assert heard.in_tune == pytest.approx(0.30, abs=0.03)
    assert heard.flatness == pytest.approx(-2.5, abs=0.3)
    assert heard_in(song(cadence(0, 4))).flatness < -15


def test_peaks_lie_between_bins_and_read_the_amplitude():
    t = np.arange(2 * RATE) / RATE
    sound = (0.3 * np.sin(2 * np.pi * 441.3 * t) + 0.1 * np.sin(2 * np.pi * 700.7 * t)).astype(np.float32)
    peaks = find_peaks(spectra(sound, 8192, 2048), RATE / 8192, lowest=60.0, highest=2000.0, depth=30.0)
    inner = peaks.frame == 8
    assert np.allclose(np.sort(peaks.hertz[inner]), [441.3, 700.7], atol=0.15)
    assert np.allclose(np.sort(peaks.amplitude[inner]), [0.1, 0.3], rtol=0.05)
    assert np.allclose(pitch_of(np.array([440.0, 880.0])), [69, 81])


def test_higher_and_brighter_music_reads_so():
    low, high = (heard_in(song([(36, [60 + up, 64 + up, 67 + up])])) for up in (0, 12))
    assert low.register < high.register - 2
    dull, bright = (heard_in(note(60, 3.0, partials=p)) for p in ((1.0, 0.1), (1.0, 0.9, 0.8, 0.7, 0.6)))
    assert bright.brightness > dull.brightness + 0.8


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000])
def test_what_has_nothing_above_8_khz_is_heard_the_same_at_other_rates(band, rate):
    fine = heard_in(resample_poly(band[2], rate // 50, RATE // 50), rate)
    coarse = heard_in(band[2])
    for name in FACTS:
        assert getattr(fine, name) == pytest.approx(getattr(coarse, name), rel=0.05, abs=0.05), name
    assert fine.key == coarse.key


def test_what_sounds_above_8_khz_is_heard():
    """Everything was measured at 16 kHz once: a hiss up there was no brightness, and its bursts were no onsets."""
    rate = 44_100
    low = sine(200, 6.0, 0.1, rate)
    noise = np.random.default_rng(0).normal(0, 0.05, len(low))
    spectrum = np.fft.rfft(noise)
    spectrum[np.fft.rfftfreq(len(noise), 1 / rate) < 9000] = 0
    hiss = np.fft.irfft(spectrum, len(noise)) * (np.arange(len(low)) / rate % 0.5 < 0.1)
    assert heard_in(low + hiss, rate).brightness > heard_in(low, rate).brightness + 3
    assert heard_in(low + hiss, rate).onset_rate == pytest.approx(2.0, abs=0.35)


def test_channels_are_mixed_for_all_but_loudness(band):
    one, two = heard_in(band[2]), measure_samples(np.stack([band[2], band[2]]), RATE)
    assert two.loudness == pytest.approx(one.loudness + 10 * math.log10(2), abs=1e-6)
    assert [getattr(two, name) for name in FACTS if name != "loudness"] == [
        getattr(one, name) for name in FACTS if name != "loudness"
    ]


@pytest.mark.parametrize("samples", [np.zeros(RATE), np.ones(1), np.full(30, 0.2), np.eye(1, RATE, 77)[0]])
def test_silence_and_snippets_are_measured(samples):
    heard = heard_in(samples)
    assert -70 <= heard.loudness < 3
    assert heard.onset_rate <= 1
    if not samples.any():
        assert (heard.onset_rate, heard.loudness, heard.dynamics) == (0.0, -70.0, 0.0)
        assert all(math.isnan(getattr(heard, name)) for name in ("tempo", "brightness", "register", "density", "mode"))
        assert in_tune_share(tonal_peaks(samples.astype(np.float32))) == 0


@pytest.mark.parametrize("per_minute", [90, 120, 150])
def test_the_tempo_of_clicks_is_the_beat(per_minute):
    assert heard_in(clicks(per_minute / 60)).tempo == pytest.approx(per_minute, rel=0.03)


def test_one_beginning_is_no_tempo():
    assert math.isnan(heard_in(np.concatenate([np.zeros(RATE), note(69, 3.0)])).tempo)


def test_a_gain_changes_loudness_only():
    sound = clicks(3.0) + 0.2 * np.concatenate([chord((48, 60, 64, 67), 4.0)] * 2)
    once, twice = heard_in(sound), heard_in(2 * sound)
    assert twice.loudness - once.loudness == pytest.approx(20 * math.log10(2), abs=1e-3)
    for name in set(FACTS) - {"loudness"}:
        assert getattr(twice, name) == pytest.approx(getattr(once, name), rel=1e-4), name


@pytest.mark.parametrize(("hertz", "rate"), [(220.0, RATE), (1000.0, RATE), (3000.0, RATE), (12_000.0, 44_100)])
def test_brightness_of_a_sine_is_its_frequency(hertz, rate):
    assert heard_in(sine(hertz, rate=rate), rate).brightness == pytest.approx(math.log2(hertz), abs=0.06)


def test_silence_around_a_sound_leaves_its_brightness():
    sound = np.concatenate([np.zeros(2 * RATE), sine(1000.0), np.zeros(RATE)])
    assert heard_in(sound).brightness == pytest.approx(math.log2(1000), abs=0.06)


@pytest.mark.parametrize("pitch", [40, 57, 69, 90])
def test_register_of_a_sine_is_its_pitch(pitch):
    assert heard_in(sine(440 * 2 ** ((pitch - 69) / 12))).register == pytest.approx(pitch, abs=0.2)


def test_overtones_hardly_raise_the_register():
    pure, rich = (heard_in(note(48, 3.0, partials=p)).register for p in ((1.0,), (1.0, 0.5, 0.33, 0.25, 0.2)))
    assert rich == pytest.approx(pure, abs=1.0)


@pytest.mark.parametrize("tones", [(60,), (60, 67), (48, 55, 60, 64)])
def test_density_is_the_number_of_equally_loud_tones(tones):
    assert heard_in(chord(tones, 3.0)).density == pytest.approx(len(tones), rel=0.1)


def test_dynamics_is_the_step_between_loud_and_soft():
    """A tenth is loud, a seventh is soft."""
    sound = np.concatenate([sine(440.0, 0.4, 0.5), sine(440.0, 3.0, 0.2), sine(440.0, 0.6, 0.05)])
    assert heard_in(sound).dynamics == pytest.approx(20.0, abs=0.3)


@pytest.fixture(scope="module")
def band():
    """Pieces of 4 s with a known cause: characters and what is heard; and the first sound."""
    rng = np.random.default_rng(5)
    characters = [Character(*rng.random(6), tonic=int(rng.integers(12))) for _ in range(20)]
    sounds = [compose(each, seed, 4.0, RATE, 1)[0] for seed, each in enumerate(characters)]
    return characters, [heard_in(sound) for sound in sounds], sounds[0]


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
    characters, heard, _ = band
    of_music, of_cause = [getattr(each, fact) for each in heard], [getattr(each, cause) for each in characters]
    assert spearmanr(of_music, of_cause).statistic > least


def test_warm_music_is_heard_to_be_darker(band):
    characters, heard, _ = band
    assert spearmanr([each.brightness for each in heard], [each.warmth for each in characters]).statistic < -0.3


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_cannot_be_measured_is_refused(bad):
    with pytest.raises(AudioError, match="without samples"):
        heard_in(np.zeros(0))
    with pytest.raises(AudioError, match="1 of 3 samples that are NaN or infinite"):
        heard_in(np.array([0.1, bad, 0.2]))
    with pytest.raises(AudioError, match="one by one"):
        measure(Waveform(torch.zeros(2, 1, 50), RATE))


@given(least=st.integers(1, 2**22))
def test_transforms_have_lengths_with_small_factors(least):
    length = fast_length(least)
    assert least <= length < 1.26 * least + 1
    while length % 2 == 0:
        length //= 2
    assert length in FACTORS
