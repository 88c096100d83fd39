from __future__ import annotations

import pickle
import struct

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from art2mus_core.audio.files import write_audio
from art2mus_core.datasets.synthetic.correspondence import Character
from art2mus_core.datasets.synthetic.rendering import RATE, compose
from art2mus_core.errors import AudioError
from art2mus_core.evaluation.reading import signals_of, signals_of_all
from art2mus_core.measure.sound.faults import faults
from art2mus_core.measure.sound.music import FACTS, measure_samples
from art2mus_core.types import Waveform


@pytest.fixture(scope="module")
def sound():
    return compose(Character(0.6, 0.7, 0.4, 0.5, 0.2, 0.3, 0), 11, 4.0)


def write(path, channels, rate=RATE):
    write_audio(path, Waveform(torch.tensor(np.atleast_2d(channels))[None].float(), rate), tags={}, cover=None)
    return path


def test_a_file_reads_as_its_samples(tmp_path, sound):
    quantised = (np.rint(sound * 32768) / 32768).astype(np.float32)
    facts, found = signals_of(write(tmp_path / "a.flac", quantised))
    assert facts == measure_samples(quantised[None], RATE)
    assert found == faults(quantised[None], RATE)


def test_rates_and_channels_may_be_mixed(tmp_path, sound):
    high = resample_poly(sound, 441, 160)
    paths = [write(tmp_path / "mono.flac", sound), write(tmp_path / "stereo.wav", np.stack([high, high]), 44_100)]
    told = []
    (mono, _), (stereo, _) = signals_of_all(paths, on_step=told.append)
    assert stereo.loudness == pytest.approx(mono.loudness + 3.01, abs=0.05)
    for name in set(FACTS) - {"loudness"}:
        assert getattr(stereo, name) == pytest.approx(getattr(mono, name), rel=0.05, abs=0.05), name
    assert [(step.stage, step.done, step.total) for step in told] == [("signals", 1, 2), ("signals", 2, 2)]


def test_clipping_is_seen_in_files_of_another_rate(tmp_path, sound):
    loud = np.clip(4 * resample_poly(sound, 3, 1), -0.5, 0.5)
    _, found = signals_of(write(tmp_path / "a.wav", np.stack([loud, loud]), 48_000))
    assert found.clipping == pytest.approx(np.mean(np.abs(loud) == 0.5), abs=0.01)
    assert found.clipping > 0.05


def float_wav(path, samples):
    """A WAV of 32-bit floats, which may hold what 16 bits can't."""
    data = np.asarray(samples, "<f4").tobytes()
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(data),
        b"WAVE",
        b"fmt ",
        16,
        3,
        1,
        RATE,
        4 * RATE,
        4,
        32,
        b"data",
        len(data),
    )
    path.write_bytes(header + data)
    return path


def test_nan_in_a_file_is_named_with_it(tmp_path, sound):
    broken = sound.copy()
    broken[100:103] = np.nan
    with pytest.raises(AudioError, match=r"broken\.wav holds 3 of 64000 samples that are NaN"):
        signals_of(float_wav(tmp_path / "broken.wav", broken))


def test_a_short_file_is_named_with_its_length(tmp_path, sound):
    with pytest.raises(AudioError, match=r"short\.flac holds a piece of 0\.50 s; expected 1 s or more"):
        signals_of(write(tmp_path / "short.flac", sound[: RATE // 2]))


@pytest.mark.parametrize("content", [b"", b"not a sound at all"])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "damaged.flac"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"damaged\.flac"):
        signals_of_all([path])


def test_what_processes_hand_each_other_can_be_handed(tmp_path, sound):
    path = write(tmp_path / "a.flac", sound)
    there, found = pickle.loads(pickle.dumps(signals_of)), signals_of(path)
    assert pickle.loads(pickle.dumps(there(path))) == found
