from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from art2mus_core.audio.level import CEILING, finish
from art2mus_core.errors import AudioError
from art2mus_core.types import Waveform


def piece(scale, offset=0.0, length=8000):
    generator = torch.Generator().manual_seed(3)
    return Waveform(scale * torch.rand(1, 2, length, generator=generator) + offset, 16_000)


@settings(max_examples=50)
@given(scale=st.floats(0.001, 30), offset=st.floats(-5, 5), length=st.integers(1, 700))
def test_never_above_the_ceiling_and_never_turned_up(scale, offset, length):
    before = piece(scale, offset, length)
    after = finish(before).samples
    centred = before.samples - before.samples.mean(-1, keepdim=True)
    assert after.shape == before.samples.shape
    assert after.abs().max() <= CEILING + 1e-6
    assert after.abs().max() <= centred.abs().max() + 1e-6


def test_quiet_music_keeps_its_loudness():
    after = finish(piece(0.02)).samples[..., 200:-200]
    expected = piece(0.02).samples
    expected = (expected - expected.mean(-1, keepdim=True))[..., 200:-200]
    assert torch.allclose(after, expected, atol=1e-7)


def test_loud_music_peaks_at_minus_one_decibel_and_both_channels_keep_their_balance():
    loud = torch.zeros(1, 2, 8000)
    loud[0, 0, 4000:4002] = torch.tensor([4.0, -4.0])
    loud[0, 1, 4000:4002] = torch.tensor([1.0, -1.0])
    after = finish(Waveform(loud, 16_000)).samples
    assert 20 * math.log10(after.max()) == pytest.approx(-1, abs=1e-3)
    assert after[0, 0].max() / after[0, 1].max() == pytest.approx(4, rel=1e-3)


def test_ends_are_faded_and_the_offset_is_gone():
    after = finish(Waveform(torch.sin(torch.arange(8000) * 0.3)[None, None] * 0.5 + 0.3, 16_000)).samples[0, 0]
    assert after[0] == 0
    assert after[-1] == 0
    assert after[:32].abs().max() < 0.1
    assert after[200:-200].abs().max() > 0.49
    assert after.mean().abs() < 1e-3


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_broken_samples_are_refused(bad):
    samples = torch.zeros(1, 1, 50)
    samples[0, 0, 7] = bad
    with pytest.raises(AudioError, match="NaN or infinite"):
        finish(Waveform(samples, 16_000))
