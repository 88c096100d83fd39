from __future__ import annotations

import math

import pytest
import torch

from art2mus_core.audio.resample import resample
from art2mus_core.errors import AudioError

PAIRS = [(44_100, 16_000), (16_000, 44_100), (22_050, 16_000), (48_000, 44_100), (8_000, 11_025), (16_000, 15_999)]


def sine(hertz, rate, seconds=0.5):
    return torch.sin(2 * math.pi * hertz * torch.arange(round(seconds * rate), dtype=torch.float64) / rate)


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_tones_below_nine_tenths_of_the_lower_nyquist_pass_unchanged(old, new):
    for share in (0.01, 0.3, 0.9):
        hertz = share * min(old, new) / 2
        heard, wanted = resample(sine(hertz, old), old, new), sine(hertz, new)
        middle = slice(len(heard) // 5, -len(heard) // 5)
        error = (heard[: len(wanted)] - wanted[: len(heard)])[middle]
        assert error.abs().max() < 0.01  # 0.1 dB in amplitude, and no shift in time


@pytest.mark.parametrize(("old", "new"), [(44_100, 16_000), (48_000, 44_100), (22_050, 16_000)])
def test_tones_above_the_new_nyquist_vanish(old, new):
    for share in (1.02, 1.07):
        heard = resample(sine(share * new / 2, old), old, new)
        middle = heard[len(heard) // 5 : -len(heard) // 5]
        assert middle.square().mean().sqrt() < 1e-3 / math.sqrt(2)


@pytest.mark.parametrize(("old", "new"), PAIRS)
@pytest.mark.parametrize("length", [1, 7, 4001])
def test_length_is_rounded_up(old, new, length):
    assert resample(torch.ones(2, 3, length), old, new).shape == (2, 3, math.ceil(length * new / old))


@pytest.mark.parametrize("length", [44_100, 44_101, 441 * 1_021])
def test_a_transform_has_no_larger_factor_than_the_rates(length, monkeypatch):
    """The padded length is a multiple of 441 samples, whose factors are 3 and 7; the number of samples is not to add others."""
    lengths = []
    real = torch.fft.rfft
    monkeypatch.setattr(torch.fft, "rfft", lambda x: (lengths.append(x.shape[-1]), real(x))[1])
    resample(torch.ones(length), 44_100, 16_000)
    (left,) = lengths
    for factor in (2, 3, 5, 7):
        while left % factor == 0:
            left //= factor
    assert left == 1


def test_the_end_does_not_ring_into_the_beginning():
    click = torch.zeros(8000)
    click[-1] = 1
    assert resample(click, 16_000, 44_100)[:11_000].abs().max() < 1e-3


def test_same_rate_and_silence_of_no_length_come_back():
    samples = torch.randn(1, 10)
    assert torch.equal(resample(samples, 8000, 8000), samples)
    assert resample(torch.zeros(1, 0), 8000, 16_000).shape == (1, 0)


def test_a_rate_of_zero_is_refused():
    with pytest.raises(AudioError, match="at least 1 Hz"):
        resample(torch.zeros(4), 0, 16_000)
