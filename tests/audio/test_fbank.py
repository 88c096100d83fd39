"""Kaldi's filter bank against its definition, written out sample by sample, and against another implementation."""

from __future__ import annotations

import inspect
import math
import warnings

import numpy as np
import pytest
import torch

from art2mus_core.audio.fbank import Clips, fbank
from art2mus_core.errors import AudioError

RATE = 16000
FLOOR = 2.0**-23


def music(samples: int, seed: int = 0) -> torch.Tensor:
    """Two gliding tones, some noise and an offset, in -1..1."""
    t = np.arange(samples) / RATE
    rng = np.random.default_rng(seed)
    tones = 0.4 * np.sin(2 * np.pi * (220 + 40 * t) * t) + 0.2 * np.sin(2 * np.pi * 3100 * t)
    return torch.from_numpy((tones + 0.01 * rng.standard_normal(samples) + 0.05).astype(np.float32))


def mel(hertz: float) -> float:
    return 1127.0 * math.log(1.0 + hertz / 700.0)


def by_definition(samples: np.ndarray, bins: int, rate: int = RATE) -> np.ndarray:
    """One frame and one triangle after the other, with a Fourier sum in place of an FFT."""
    window, shift = rate * 25 // 1000, rate * 10 // 1000
    size = 2 ** math.ceil(math.log2(window))
    turn = np.exp(-2j * np.pi * np.outer(np.arange(size // 2), np.arange(window)) / size)
    step = (mel(rate / 2) - mel(20.0)) / (bins + 1)
    rows = []
    for first in range(0, len(samples) - window + 1, shift):
        frame = samples[first : first + window].astype(np.float64)
        frame = frame - sum(frame) / window
        sharp = np.array([frame[n] - 0.97 * frame[max(n - 1, 0)] for n in range(window)])
        hanning = np.array([0.5 - 0.5 * math.cos(2 * math.pi * n / (window - 1)) for n in range(window)])
        power = np.abs(turn @ (sharp * hanning)) ** 2
        row = []
        for index in range(bins):
            left, centre, right = (mel(20.0) + (index + k) * step for k in range(3))
            energy = 0.0
            for k in range(size // 2):
                here = mel(k * rate / size)
                if left < here < right:
                    up, down = (here - left) / (centre - left), (right - here) / (right - centre)
                    energy += power[k] * min(up, down)
            row.append(math.log(max(energy, FLOOR)))
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize(("length", "bins"), [(400, 128), (1999, 31), (2000, 31)])
def test_it_is_kaldis_definition(length: int, bins: int):
    samples = music(length)
    expected = by_definition(samples.numpy(), bins)
    computed = fbank(samples, RATE, bins)
    assert computed.dtype == torch.float32
    assert computed.shape == (1 + (length - 400) // 160, bins)
    np.testing.assert_allclose(computed.numpy(), expected, rtol=1e-6, atol=1e-5)


def test_it_is_what_another_implementation_says():
    from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

    if "dtype" not in inspect.signature(mel_filter_bank).parameters:
        pytest.skip("this transformers spaced the bins of its triangles too narrowly")
    samples = music(32000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the lowest triangles lie between two bins, here as there
        filters = mel_filter_bank(257, 128, 20, 8000, RATE, mel_scale="kaldi", triangularize_in_mel_space=True)
    expected = spectrogram(
        samples.numpy(),
        window_function(400, "hann", periodic=False),
        frame_length=400,
        hop_length=160,
        fft_length=512,
        power=2.0,
        center=False,
        preemphasis=0.97,
        mel_filters=filters,
        log_mel="log",
        mel_floor=FLOOR,
        remove_dc_offset=True,
    )
    np.testing.assert_allclose(fbank(samples, RATE, 128).numpy(), expected.T, atol=2e-3)


def test_silence_reads_the_floor_and_no_offset_is_heard():
    silence = fbank(torch.zeros(800), RATE, 13)
    torch.testing.assert_close(silence, torch.full_like(silence, math.log(FLOOR)))
    torch.testing.assert_close(fbank(music(800) + 0.3, RATE, 13), fbank(music(800), RATE, 13), atol=1e-3, rtol=0)


def test_other_rates_have_their_own_frames():
    samples = music(1600)[::2]
    np.testing.assert_allclose(fbank(samples, 8000, 17).numpy(), by_definition(samples.numpy(), 17, 8000), atol=1e-5)


@pytest.mark.parametrize(("length", "rate"), [(0, RATE), (399, RATE), (50, 30)])
def test_less_than_a_frame_is_refused(length: int, rate: int):
    with pytest.raises(AudioError, match="at least one frame"):
        fbank(torch.zeros(length), rate, 13)


CLIPS = Clips(RATE, 29, 7, 3, 0.08, -4.0, 9.0)
"""Clips of 1280 samples, 6 frames of their own and one column of filling."""


def test_clips_divide_the_room_that_one_leaves():
    assert CLIPS.starts(1280 + 3 * 1000) == [0, 1000, 2000]
    assert CLIPS.starts(1280 + 100) == [0, 33, 66]
    assert CLIPS.starts(1280) == CLIPS.starts(700) == [0, 0, 0]
    published = Clips(RATE, 128, 204, 3, 2.0, -4.268, 9.138)
    assert published.starts(10 * RATE) == [0, 42666, 85333]


def test_clips_are_centred_filled_and_normalised():
    samples = torch.stack([music(5000), music(5000, seed=1)])
    clips = CLIPS.cut(samples)
    assert clips.shape == (2, 3, 29, 7)
    start = CLIPS.starts(5000)[1]
    part = samples[1, start : start + 1280]
    expected = (by_definition((part - part.mean()).numpy(), 29).T + 4.0) / 9.0
    np.testing.assert_allclose(clips[1, 1, :, :6].numpy(), expected, atol=1e-5)
    torch.testing.assert_close(clips[..., 6], torch.full((2, 3, 29), 4.0 / 9.0))


def test_a_short_sound_is_heard_whole_and_a_long_clip_is_cut():
    short = CLIPS.cut(music(700)[None])
    assert torch.equal(short[:, 0], short[:, 1])
    assert torch.equal(short[..., 2:], torch.full_like(short[..., 2:], 4.0 / 9.0))
    cut = Clips(RATE, 29, 4, 3, 0.08, -4.0, 9.0).cut(music(5000)[None])
    assert torch.equal(cut, CLIPS.cut(music(5000)[None])[..., :4])


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_samples_that_are_not_finite_are_refused(broken: float):
    samples = music(2000)
    samples[7] = broken
    with pytest.raises(AudioError, match="finite"):
        CLIPS.cut(samples[None])
