"""Closures of the gap between pictures and sounds."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.training.objectives.gap import calibrated, shifted

SEEDS, SIZES = st.integers(0, 10_000), st.integers(2, 9)


def normal(rng: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=rng)


@given(seed=SEEDS, dim=SIZES, pictures=SIZES, sounds=SIZES)
def test_a_shift_makes_the_means_of_unpaired_sets_equal(seed: int, dim: int, pictures: int, sounds: int):
    rng = torch.Generator().manual_seed(seed)
    seen, heard = 3 + normal(rng, pictures, dim), normal(rng, sounds, dim) - 2
    moved = shifted(seen, heard).moved(seen)
    assert torch.allclose(moved.mean(0), heard.mean(0), atol=1e-5)
    assert torch.allclose(moved - moved.mean(0), seen - seen.mean(0), atol=1e-5)


@given(seed=SEEDS, dim=SIZES)
def test_a_calibration_recovers_a_rotation(seed: int, dim: int):
    rng = torch.Generator().manual_seed(seed)
    rotation = torch.linalg.qr(normal(rng, dim, dim))[0]
    seen = normal(rng, 8 * dim, dim)
    closure = calibrated(seen, seen @ rotation.T + 1)
    assert torch.allclose(closure.weight, rotation, atol=0.05)
    fresh = normal(rng, 5, dim)
    assert torch.allclose(closure.moved(fresh), fresh @ rotation.T + 1, atol=0.2)


@given(seed=SEEDS)
def test_directions_that_no_pair_shows_are_only_shifted(seed: int):
    rng = torch.Generator().manual_seed(seed)
    seen = normal(rng, 6, 9)
    seen[:, 5:] = 0
    closure = calibrated(seen, normal(rng, 6, 9))
    assert torch.allclose(closure.weight[:, 5:], torch.eye(9)[:, 5:], atol=1e-4)


def test_a_calibration_of_noise_stays_near_the_shift():
    """Sounds that have nothing to do with the pictures: a regression without a penalty would fit them."""
    rng = torch.Generator().manual_seed(0)
    seen = normal(rng, 30, 25)
    heard = seen + 0.3 * normal(rng, 30, 25)
    fresh = normal(rng, 500, 25)
    error = (calibrated(seen, heard).moved(fresh) - fresh).square().mean()
    free = torch.linalg.lstsq(seen, heard).solution
    assert error < 0.1 < (fresh @ free - fresh).square().mean()
