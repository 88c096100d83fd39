"""Weights of noise levels, the loss by bands of them, and examples without their artwork."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.diffusion.levels import read_levels
from art2mus_core.training.objectives.dropping import mixed
from art2mus_core.training.objectives.weighting import WEIGHTINGS, by_bands
from art2mus_core.types import Condition

SCHEDULE = {"num_train_timesteps": 1000, "beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear"}


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
@given(t=st.integers(0, 999), gamma=st.floats(0.1, 30), seed=st.integers(0, 99))
def test_min_snr_weights_the_error_of_the_clean_latent(kind: str, t: int, gamma: float, seed: int):
    """Whatever is predicted, the weighted error is min(SNR, gamma) times that of the clean latent which follows from it."""
    levels = read_levels({**SCHEDULE, "prediction_type": kind})
    rng, level = torch.Generator().manual_seed(seed), torch.tensor([t])
    latent, noise, wrong = (torch.randn(1, 2, 3, 5, generator=rng, dtype=torch.float64) for _ in range(3))
    share = levels.alphas_cumprod.double()[t]
    noised, predicted = levels.noised(latent, noise, level), levels.target(latent, noise, level) + wrong
    clean = (
        (noised - (1 - share).sqrt() * predicted) / share.sqrt()
        if kind == "epsilon"
        else share.sqrt() * noised - (1 - share).sqrt() * predicted
    )
    weight = WEIGHTINGS["min-snr"](levels, level, gamma).double()
    wanted = min(share / (1 - share), gamma) * (clean - latent).square().mean()
    torch.testing.assert_close(weight[0] * wrong.square().mean(), torch.as_tensor(wanted), rtol=1e-3, atol=1e-6)


def test_uniform_weights_are_one():
    levels = read_levels(SCHEDULE)
    assert WEIGHTINGS["uniform"](levels, torch.tensor([0, 999]), 5.0).tolist() == [1, 1]


def test_the_loss_of_each_band_is_the_mean_of_its_examples():
    t = torch.tensor([0, 249, 250, 600, 749])
    found = by_bands(torch.tensor([1.0, 3.0, 5.0, 7.0, 9.0]), t, 1000)
    assert list(found) == ["loss t 0-249", "loss t 250-499", "loss t 500-749", "loss t 750-999"]
    *known, none = (value.item() for value in found.values())
    assert known == [2, 5, 8]
    assert none != none  # noqa: PLR0124  NaN


def test_a_dropped_example_has_the_negative_condition():
    positive = Condition(torch.ones(3, 2, 5), torch.ones(3, 6, 4), torch.ones(3, 6, dtype=torch.bool))
    negative = Condition(-torch.ones(3, 2, 5), -torch.ones(3, 4, 4), torch.ones(3, 4, dtype=torch.bool))
    found = mixed(positive, negative, torch.tensor([False, True, False]))
    assert found.language[:, 0, 0].tolist() == [1, -1, 1]
    assert found.text.shape == (3, 6, 4)
    assert found.text[:, 0, 0].tolist() == [1, -1, 1]
    assert found.text_mask.tolist() == [[True] * 6, [True] * 4 + [False] * 2, [True] * 6]
    assert (
        mixed(Condition(positive.language), Condition(negative.language), torch.ones(3, dtype=torch.bool)).text is None
    )
