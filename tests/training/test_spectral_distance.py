from __future__ import annotations

import math

import pytest
import torch

from art2mus_core.training.objectives.vocoder import spectral_distance
from art2mus_core.types import AudioGrid

RATE, WINDOWS = 16000, [256, 1024]
GRID = AudioGrid(RATE, 160, 60, "semitone", 30.0, 0.0, (1024,), 1e-4)


def tone(hertz: float, amplitude: float = 0.1) -> torch.Tensor:
    return amplitude * torch.sin(2 * math.pi * hertz / RATE * torch.arange(RATE))[None]


def noise(seed: int) -> torch.Tensor:
    return 0.1 * torch.randn(1, RATE, generator=torch.Generator().manual_seed(seed))


def test_it_is_the_difference_of_levels_in_nats():
    assert spectral_distance(noise(0), noise(0), WINDOWS, GRID) == 0
    louder = spectral_distance(noise(0), 2 * noise(0), WINDOWS, GRID)
    assert float(louder) == pytest.approx(math.log(2), abs=0.02)


def test_an_octave_of_low_tones_counts_more_than_as_many_hertz_above():
    ground = noise(0) / 100
    low = spectral_distance(ground + tone(200), ground, WINDOWS, GRID)
    high = spectral_distance(ground + tone(6000), ground, WINDOWS, GRID)
    assert float(low) > 3 * float(high)


def test_changes_count_where_a_tone_begins_and_not_where_it_goes_on():
    step = (torch.arange(RATE) > RATE // 2).float()
    ground, begins, steady = noise(0) / 1000, step * tone(440), tone(440)
    plain = [spectral_distance(ground + x, ground, WINDOWS, GRID) for x in (begins, steady)]
    changes = [spectral_distance(ground + x, ground, WINDOWS, GRID, change=1.0) for x in (begins, steady)]
    added = [float(each - before) for each, before in zip(changes, plain, strict=True)]
    assert float(plain[0]) < float(plain[1])
    assert added[0] > 0
    assert added[0] / float(plain[0]) > 1.2 * added[1] / float(plain[1])
