from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mel_cepstral_distance import compare_audio_files
from scipy.io import wavfile
from scipy.signal import butter, sosfilt

from art2mus_core.errors import EvaluationError
from art2mus_core.measure.pairs.distances import distances

RATE = 16_000


def packages(folder, a, b, rate, **settings):
    for name, sound in (("a", a), ("b", b)):
        wavfile.write(folder / f"{name}.wav", rate, sound)
    return compare_audio_files(folder / "a.wav", folder / "b.wav", **settings)[0]


@pytest.mark.parametrize(
    ("rate", "samples"), [(16_000, 43_000), (16_000, 512 + 128 * 9), (22_050, 30_011), (8_000, 9_001)]
)
def test_mcd_equals_the_package(tmp_path, clips, rate, samples):
    for a, b in ((clips[0], clips[1]), (clips[0], 0.1 * clips[4])):
        expected = packages(tmp_path, a[:samples], b[:samples], rate, aligning="pad")
        assert distances(a[:samples], b[:samples], rate).mel_cepstral == pytest.approx(expected, rel=1e-9)


def test_warped_mcd_equals_the_package(tmp_path, clips):
    faded = clips[5][:12_000].copy()
    faded[3000:9000] = 0  # silence against silence: ties decide the length of the path
    paused = clips[0][:12_000].copy()
    paused[5000:10_000] = 0
    for a, b in ((clips[0][:12_000], clips[4][:12_000]), (faded, paused), (paused, faded)):
        expected = packages(tmp_path, a, b, RATE, aligning="dtw", dtw_radius=None)
        assert distances(a, b, RATE).mel_cepstral_warped == pytest.approx(expected, rel=1e-9)


def test_warping_forgives_what_comes_late(clips):
    late = np.concatenate([np.zeros(3000), clips[3]])[: len(clips[3])]
    plain, warped = astuple(distances(clips[3], late, RATE))[1:3]
    assert warped < 0.5 * plain


def test_log_spectral_distance_is_its_definition(clips):
    a, b = clips[0][:5000], clips[3][:6000]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    frames = []
    for start in range(0, 5000 - 1024 + 1, 256):
        levels = []
        for sound in (a, b):
            amplitude = np.abs(np.fft.fft(sound[start : start + 1024] * window))[:513] / window.sum() * 2
            levels.append([20 * math.log10(max(x, 1e-5)) for x in amplitude])
        frames.append(math.sqrt(np.mean((np.array(levels[0]) - np.array(levels[1])) ** 2)))
    assert distances(a, b, RATE).log_spectral == pytest.approx(np.mean(frames), rel=1e-9)


def test_level_is_heard_in_decibels():
    noise = np.random.default_rng(0).normal(0, 0.1, 9000)
    assert distances(noise, noise / 2, RATE).log_spectral == pytest.approx(20 * math.log10(2), abs=0.01)


def test_which_distances_depend_on_the_level_of_both_sounds(clips):
    loud, soft = (distances(gain * clips[0], gain * clips[4], RATE) for gain in (1.0, 1e-3))
    assert (soft.mel_cepstral, soft.mel_cepstral_warped) == pytest.approx(
        (loud.mel_cepstral, loud.mel_cepstral_warped), rel=1e-6
    )
    assert soft.mel_cosine == pytest.approx(loud.mel_cosine, rel=1e-6)
    # their floors are absolute, so that two faint sounds are alike
    assert soft.log_spectral < loud.log_spectral / 2
    assert soft.multi_resolution < loud.multi_resolution / 2


def test_multi_resolution_is_its_definition(clips):
    """Parallel WaveGAN's loss as its paper has it, in torch's words."""
    a, b = (torch.from_numpy(clip[:9000]) for clip in (clips[0], clips[3]))
    total = 0.0
    for fft, size, hop in ((1024, 600, 120), (2048, 1200, 240), (512, 240, 50)):
        window = torch.hann_window(size, dtype=torch.float64)
        spectra = [torch.stft(x, fft, hop, size, window, return_complex=True).abs() for x in (a, b)]
        heard, wanted = (torch.sqrt(torch.clamp(s**2, min=1e-7)) for s in spectra)
        convergence = torch.linalg.norm(wanted - heard) / torch.linalg.norm(wanted)
        total += float(convergence + (wanted.log() - heard.log()).abs().mean())
    assert distances(clips[0][:9000], clips[3][:9000], RATE).multi_resolution == pytest.approx(total / 3, rel=1e-9)


def test_mel_cosine_is_its_definition(clips):
    a, b = clips[0][:5000], clips[3][:5000]
    mel = 2595 * np.log10(1 + 8000 / 700)
    edges = 700 * (10 ** (np.linspace(0, mel, 82) / 2595) - 1)
    bins = np.floor(1025 * edges / RATE)
    k = np.arange(513)
    spectrograms = []
    for sound in (a, b):
        rows = []
        for start in range(0, 5000 - 1023, 256):
            power = np.abs(np.fft.rfft(sound[start : start + 1024] * np.hanning(1025)[:-1])) ** 2
            row = []
            for left, centre, right in zip(bins, bins[1:], bins[2:], strict=False):
                rising = np.where((k >= left) & (k < centre), (k - left) / max(centre - left, 1), 0)
                falling = np.where((k >= centre) & (k < right), (right - k) / max(right - centre, 1), 0)
                row.append(power @ (rising + falling))
            rows.append(row)
        level = 10 * np.log10(np.maximum(np.array(rows), 1e-30))
        spectrograms.append(np.maximum(level - level.max() + 80, 0))
    x, y = spectrograms
    expected = np.mean([u @ v / np.linalg.norm(u) / np.linalg.norm(v) for u, v in zip(x, y, strict=True)])
    assert distances(a, b, RATE).mel_cosine == pytest.approx(expected, rel=1e-9)
    assert distances(a, 0.01 * b, RATE).mel_cosine == pytest.approx(expected, rel=1e-9)


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_sounds_are_at_no_distance_from_themselves_and_as_far_there_as_back(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0, 0.1, (2, 3000))
    assert astuple(distances(a, a, RATE)) == pytest.approx((0, 0, 0, 1, 0), abs=1e-12)
    there, back = distances(a, b, RATE), distances(b, a, RATE)
    assert astuple(there)[:4] == pytest.approx(astuple(back)[:4], rel=1e-9)
    assert astuple(distances(a, np.concatenate([b, a]), RATE)) == pytest.approx(astuple(there))


def test_more_damage_is_further(clips):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=len(clips[3]))
    noisy = [distances(clips[3] + level * noise, clips[3], RATE) for level in (0.001, 0.01, 0.1)]
    dull = [
        distances(sosfilt(butter(4, hertz, fs=RATE, output="sos"), clips[3]), clips[3], RATE)
        for hertz in (6000, 2000, 500)
    ]
    signs = np.array([1, 1, 1, -1, 1])
    assert np.all(np.diff([signs * astuple(d) for d in noisy], axis=0) > 0)
    # the mel-cepstral distance leaves the tilt of the spectrum out, and does not grow with every low-pass
    assert np.all(np.diff([signs * astuple(d) for d in dull], axis=0)[:, [0, 3, 4]] > 0)


def test_silence_is_far_and_finite(clips):
    silence = np.zeros(len(clips[0]))
    assert np.isfinite(astuple(distances(clips[0], silence, RATE))).all()
    assert np.isfinite(astuple(distances(silence, clips[0], RATE))).all()
    assert distances(clips[0], silence, RATE).mel_cosine == 0
    assert astuple(distances(silence, silence, RATE)) == (0, 0, 0, 1, 0)


def test_what_cannot_be_measured_is_refused(clips):
    broken = clips[0].copy()
    broken[5] = np.nan
    with pytest.raises(EvaluationError, match="1 samples that are not finite"):
        distances(clips[1], broken, RATE)
    for rate, least in ((RATE, 1025), (48_000, 1537)):  # half the longest FFT; a mel-cepstral window of 32 ms
        with pytest.raises(EvaluationError, match=f"{least - 1} samples; expected at least {least}"):
            distances(clips[0], clips[1][: least - 1], rate)
        assert np.all(np.array(astuple(distances(clips[0], clips[1][:least], rate))) > 0)
