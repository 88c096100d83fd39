from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.audio.mono import mono
from art2mus_core.errors import AudioError
from art2mus_core.evaluation.embedders.windows import cut
from art2mus_core.types import Waveform


@pytest.mark.parametrize(
    ("samples", "starts"),
    [
        (1, [0]),
        (99, [0]),
        (100, [0]),
        (110, [0]),  # a tenth may stay unheard
        (111, [0, 11]),
        (200, [0, 100]),
        (209, [0, 109]),
        (211, [0, 56, 111]),
        (1000, [100 * index for index in range(10)]),
    ],
)
def test_windows_are_few_and_spread_evenly(samples, starts):
    windows = cut(torch.arange(samples).float(), 100)
    assert [window[0].item() for window in windows] == starts
    assert {len(window) for window in windows} == {min(samples, 100)}


@given(samples=st.integers(1, 5000), length=st.integers(1, 700))
def test_all_but_the_last_tenth_of_a_window_is_heard(samples, length):
    heard = torch.zeros(samples)
    for window in cut(torch.arange(samples).float(), length):
        heard[window.long()] = 1
    assert heard.sum() >= samples - 0.1 * length
    assert heard[0] == 1


def test_channels_are_mixed_and_rates_changed():
    left, right = torch.full((8000,), 0.5), torch.full((8000,), -0.1)
    samples = mono(Waveform(torch.stack([left, right])[None], 8000), 4000)
    assert samples.shape == (4000,)
    assert torch.allclose(samples[400:-400], torch.full((3200,), 0.2), atol=1e-3)


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (torch.zeros(2, 1, 9), "2 sounds"),
        (torch.zeros(0, 1, 9), "0 sounds"),
        (torch.zeros(1, 0, 9), "0 channels"),
        (torch.zeros(1, 1, 0), "0 samples"),
        (torch.tensor([[[0.0, torch.nan]]]), "NaN"),
        (torch.tensor([[[0.0, torch.inf]]]), "infinite"),
    ],
)
def test_what_is_no_sound_is_refused(samples, told):
    with pytest.raises(AudioError, match=told):
        mono(Waveform(samples, 8000), 8000)
