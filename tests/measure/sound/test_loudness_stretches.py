"""Powers of long pieces, which are filtered in stretches."""

from __future__ import annotations

import numpy as np
import pytest

from art2mus_core.measure.sound import loudness
from art2mus_core.measure.sound.loudness import block_powers


@pytest.fixture
def sound():
    """Steps of loudness and of a low tone, in two channels and 7.3 seconds."""
    rng, rate = np.random.default_rng(0), 11_025
    at = np.arange(int(7.3 * rate)) / rate
    steps = 10.0 ** -rng.integers(0, 3, 74)[(at * 10).astype(int)]
    return steps * np.stack([rng.normal(size=len(at)), np.sin(2 * np.pi * 31 * at)]), rate


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_stretches_have_the_powers_of_the_whole(sound, monkeypatch, dtype):
    samples, rate = sound[0].astype(dtype), sound[1]
    whole = block_powers(samples, rate)
    monkeypatch.setattr(loudness, "WHOLE", 2.0)
    lengths = list[int]()
    plain = loudness._filtered
    monkeypatch.setattr(loudness, "_filtered", lambda part, rate: lengths.append(len(part)) or plain(part, rate))
    for seconds in (1.0, 2.31, 7.29):
        monkeypatch.setattr(loudness, "STRETCH", seconds)
        lengths.clear()
        assert np.abs(block_powers(samples, rate) - whole).max() <= 1e-4 * whole.max()
        assert max(lengths) <= round((seconds + 2 * loudness.RINGING) * rate)
        assert len(lengths) == 2 * -(-samples.shape[1] // round(seconds * rate))


def test_up_to_thirty_seconds_a_piece_is_filtered_at_once(monkeypatch):
    rate, lengths = 50, list[int]()
    plain = loudness._filtered
    monkeypatch.setattr(loudness, "_filtered", lambda part, rate: lengths.append(len(part)) or plain(part, rate))
    for count in (1, 30 * rate, 30 * rate + 1):
        block_powers(np.ones((1, count)), rate)
    assert lengths[:2] == [1, 30 * rate]
    assert max(lengths[2:]) == 11 * rate
