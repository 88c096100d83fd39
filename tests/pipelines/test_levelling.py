"""Levelled pieces: loudness, order, peaks and limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from art2mus_core.audio.level import CEILING, finish
from art2mus_core.errors import AudioError
from art2mus_core.measure.sound.loudness import SILENCE, integrated_loudness
from art2mus_core.pipelines.levelling import MOST_GAIN, level, levelled_loudness, piece_tags
from art2mus_core.types import AudioGrid, Waveform

RATE = 16_000


def loudness(piece: Waveform) -> float:
    return integrated_loudness(piece.samples[0].double().numpy(), piece.sample_rate)


def at(piece: Waveform, lufs: float) -> Waveform:
    """The piece with another loudness."""
    return Waveform(piece.samples * 10 ** ((lufs - loudness(piece)) / 20), piece.sample_rate)


def bells(seconds=4.0, every=1.3, decay=0.15, channels=1, rate=RATE) -> Waveform:
    """Sparse tones that start within a millisecond and fade."""
    t = np.arange(round(seconds * rate)) / rate
    sound = np.zeros((channels, len(t)))
    for number, start in enumerate(np.arange(0.1, seconds - 0.2, every)):
        since = (t - start).clip(0)
        shape = (1 - np.exp(-since / 0.001)) * np.exp(-since / decay)
        for channel in range(channels):
            sound[channel] += shape * np.sin(2 * np.pi * 523 * (1 + number % 3 / 4) * since) / (1 + channel)
    return Waveform(torch.tensor(sound, dtype=torch.float32)[None], rate)


def noise(seconds=1.0, channels=1, seed=0) -> Waveform:
    generator = torch.Generator().manual_seed(seed)
    return Waveform(torch.randn(1, channels, round(seconds * RATE), generator=generator), RATE)


@pytest.mark.parametrize(
    ("before", "after"), [(-41.0, -28.2), (-35.0, -27.1), (-25.0, -22.5), (-16.0, -15.3), (-70.0, -70.0)]
)
def test_soft_music_is_raised_most(before, after):
    assert levelled_loudness(before) == pytest.approx(after, abs=0.05)


@given(st.floats(SILENCE, 0), st.floats(SILENCE, 0))
def test_the_order_of_loudness_is_kept_and_nothing_becomes_softer(one, other):
    softer, louder = sorted((one, other))
    assert levelled_loudness(softer) <= levelled_loudness(louder)
    if louder > softer + 1e-6:
        assert levelled_loudness(softer) < levelled_loudness(louder)
    assert 0 <= levelled_loudness(softer) - softer <= MOST_GAIN
    if softer > -52.5:
        assert levelled_loudness(softer) > -30


@settings(max_examples=30)
@given(
    lufs=st.floats(-52, -14),
    seconds=st.sampled_from([1.0, 1.7, 3.1]),
    every=st.floats(0.3, 2.0),
    decay=st.floats(0.02, 0.4),
    channels=st.sampled_from([1, 2]),
)
def test_no_piece_ends_below_minus_30_lufs_or_above_the_ceiling(lufs, seconds, every, decay, channels):
    piece = at(bells(seconds, every, decay, channels), lufs)
    levelled = level(piece)
    assert levelled.samples.shape == piece.samples.shape
    assert levelled.samples.abs().max() <= CEILING + 1e-6
    assert loudness(levelled) > -30
    assert levelled.gain <= MOST_GAIN
    if piece.samples.abs().max() < 1.9 * CEILING:  # beyond the limiter's 6 dB, the piece as a whole is attenuated
        assert levelled.gain > 0
    assert loudness(levelled) <= loudness(piece) + levelled.gain + 0.3


def test_pieces_of_different_kinds_keep_their_order():
    kinds = (bells(), bells(1.0, 0.4), bells(3.0, 2.0, 0.03), bells(channels=2), noise(), noise(2.3, 2))
    pieces = [at(kinds[number % 6], -48 + 1.5 * number) for number in range(20)]
    found = [loudness(level(piece)) for piece in pieces]
    assert found == sorted(found)
    assert min(np.diff(found)) > 0.02


def test_peaks_of_a_soft_piece_are_limited_and_it_keeps_its_loudness():
    """A click 30 dB above the loudness would bring the whole piece down."""
    piece = at(bells(), -35)
    piece.samples[..., 20_000:20_003] += torch.tensor([0.55, -0.55, 0.55])
    wanted = levelled_loudness(loudness(piece))
    assert loudness(finish(Waveform(piece.samples * 10 ** ((wanted + 35) / 20), RATE))) < wanted - 3
    levelled = level(piece)
    assert levelled.samples.abs().max() == pytest.approx(CEILING, rel=0.02)
    assert loudness(levelled) == pytest.approx(wanted, abs=0.05)
    far = slice(25_000, 60_000)
    assert torch.allclose(levelled.samples[..., far], (piece.samples * 10 ** (levelled.gain / 20))[..., far], atol=2e-4)


def test_what_would_need_more_limiting_is_attenuated_as_a_whole():
    piece = Waveform(torch.zeros(1, 1, RATE), RATE)
    piece.samples[0, 0, 8000:8004] = torch.tensor([5.0, -5.0, 5.0, -5.0])
    levelled = level(piece)
    assert levelled.gain == pytest.approx(6 - 1 - 20 * math.log10(5), abs=0.02)
    assert levelled.samples.abs().max() <= CEILING + 1e-6


@pytest.mark.parametrize("frequency", [30, 60, 440, 3000])
def test_limiting_a_tone_does_not_distort_it(frequency):
    tone = 1.5 * torch.sin(2 * math.pi * frequency * torch.arange(2 * RATE) / RATE)
    levelled = level(Waveform(tone[None, None], RATE)).samples[0, 0]
    spectrum = (
        torch.fft.rfft(levelled[RATE // 2 : -RATE // 2].double() * torch.hann_window(RATE, dtype=torch.float64)).abs()
        ** 2
    )
    own = spectrum[frequency - 3 : frequency + 4].sum()
    assert (spectrum.sum() - own) / own < 1e-6
    assert levelled.abs().max() > 0.85 * CEILING


def test_both_channels_get_one_gain():
    piece = at(bells(channels=2), -18)
    piece.samples[0, 0, 30_000:30_004] = torch.tensor([0.9, -0.9, 0.9, -0.9])
    piece.samples[0, 1, 30_000:30_004] = torch.tensor([0.3, -0.3, 0.3, -0.3])
    left, right = level(piece).samples[0, :, 30_000:30_004].abs()
    assert left.max() <= CEILING + 1e-6
    assert left[1] / right[1] == pytest.approx(3, rel=1e-3)


@pytest.mark.parametrize("scale", [0.0, 1e-5])
def test_silence_stays_as_it_is(scale):
    piece = noise(1.3, 2)
    quiet = Waveform(piece.samples * scale, RATE)
    levelled = level(quiet)
    assert torch.equal(levelled.samples, finish(quiet).samples)
    assert levelled.gain == 0


def test_near_silence_is_not_raised_without_end():
    levelled = level(at(noise(2.0), -65))
    assert levelled.gain == MOST_GAIN
    assert loudness(levelled) == pytest.approx(-65 + MOST_GAIN, abs=0.2)


def test_the_gain_leads_back_to_the_level_before():
    piece = at(bells(), -37)
    levelled = level(piece)
    inner = slice(200, -200)
    before = levelled.samples[..., inner] * 10 ** (-levelled.gain / 20)
    assert torch.allclose(before, piece.samples[..., inner], atol=2e-4)
    assert piece_tags(levelled) == {"gain_db": str(levelled.gain)}
    assert piece_tags(piece) == {}


def test_broken_samples_are_refused():
    with pytest.raises(AudioError, match="NaN or infinite"):
        level(Waveform(torch.full((1, 1, 50), float("nan")), RATE))


def test_a_piece_is_levelled_alone_and_in_a_batch():
    from art2mus_core.pipelines.stages import finished

    grid = AudioGrid(RATE, 160, 64, "slaney", 0.0, 8000.0, (1024,), 1e-5)
    kinds = [at(bells(2.0), -40), at(noise(2.0), -22)]
    batch = Waveform(torch.cat([each.samples for each in kinds]), RATE)
    together = finished(batch, grid, 1.9)
    for index in range(2):
        [alone] = finished(kinds[index], grid, 1.9)
        assert torch.equal(alone.samples, together[index].samples)
        assert alone.gain == together[index].gain
    plain = finished(batch, grid, 1.9, levelled=False)
    assert [piece.gain for piece in plain] == [None, None]
    assert loudness(plain[0]) == pytest.approx(-40, abs=0.5)
