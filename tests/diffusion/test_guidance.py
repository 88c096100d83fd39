from __future__ import annotations

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from art2mus_core.checkpoints.folder import load_component
from art2mus_core.diffusion.denoiser import LatentDenoiser, build_unet
from art2mus_core.diffusion.guidance import Guided, join
from art2mus_core.types import Condition

LEVEL = torch.tensor(7)


@pytest.fixture(scope="module")
def single(pocket_like):
    return LatentDenoiser(load_component(pocket_like, "unet", build_unet))


class Linear:
    """Predicts a mix of the latent and its condition, and counts how often it is asked for how many."""

    def __init__(self):
        self.asked = []

    def __call__(self, x, t, condition):
        self.asked.append(len(x))
        return 0.3 * x + condition.language.mean((1, 2))[:, None, None, None]


def latents(count):
    return torch.randn(count, 3, 5, 7, generator=torch.Generator().manual_seed(count))


def told(count, seed, length=None):
    generator = torch.Generator().manual_seed(seed)
    language = torch.randn(count, 8, 11, generator=generator)
    if length is None:
        return Condition(language)
    text = torch.randn(count, length, 13, generator=generator)
    return Condition(language, text, torch.ones(count, length, dtype=torch.bool))


@settings(max_examples=30)
@given(scale=st.floats(0, 20), count=st.integers(1, 4))
def test_guidance_is_a_straight_line_through_both_predictions(scale, count):
    x, positive, negative = latents(count), told(count, 1), told(count, 2)
    guided = Guided(Linear(), negative, scale)(x, LEVEL, positive)
    without, with_it = Linear()(x, LEVEL, negative), Linear()(x, LEVEL, positive)
    assert torch.allclose(guided, without + scale * (with_it - without), atol=1e-4)


def test_one_call_of_two_batches_or_at_scale_one_of_one():
    for scale, expected in ((3.5, [6]), (1.0, [3]), (0.0, [6])):
        denoiser = Linear()
        Guided(denoiser, told(3, 2), scale)(latents(3), LEVEL, told(3, 1))
        assert denoiser.asked == expected


@settings(max_examples=30)
@example(scale=0.0, limit=1.8e-263, t=0)  # no number of single precision
@given(scale=st.floats(0, 20), limit=st.floats(0, 12), t=st.integers(0, 12))
def test_from_a_level_up_only_the_positive_prediction_is_computed(scale, limit, t):
    denoiser, x, positive, negative = Linear(), latents(3), told(3, 1), told(3, 2)
    found = Guided(denoiser, negative, scale, limit)(x, torch.tensor(t), positive)
    if t >= limit:
        assert denoiser.asked == [3]
        assert torch.equal(found, Linear()(x, LEVEL, positive))
    else:
        assert denoiser.asked == ([3] if scale == 1 else [6])
        assert torch.equal(found, Guided(Linear(), negative, scale)(x, LEVEL, positive))


def test_at_all_levels_it_is_the_formula_bit_for_bit():
    x, positive, negative = latents(3), told(3, 1), told(3, 2)
    below, above = Linear()(torch.cat([x, x]), LEVEL, join(negative, positive)).chunk(2)
    for highest in (7.0, 1000.0):
        found = Guided(Linear(), negative, 2.7, limit=highest + 1)(x, LEVEL, positive)
        assert torch.equal(found, below + 2.7 * (above - below))


def test_guidance_between_equals_changes_nothing():
    x, condition = latents(2), told(2, 1)
    assert torch.allclose(
        Guided(Linear(), condition, 9.0)(x, LEVEL, condition), Linear()(x, LEVEL, condition), atol=1e-5
    )


def test_the_shorter_text_is_padded_and_masked():
    joined = join(told(2, 1, length=3), told(2, 2, length=5))
    assert joined.text.shape == (4, 5, 13)
    assert joined.text_mask.tolist() == [[True] * 3 + [False] * 2] * 2 + [[True] * 5] * 2
    assert torch.equal(joined.text[:2, :3], told(2, 1, length=3).text)
    assert not joined.text[:2, 3:].any()


def test_without_text_there_is_only_language():
    joined = join(told(2, 1), told(3, 2))
    assert joined.language.shape == (5, 8, 11)
    assert joined.text is None
    assert joined.text_mask is None


@pytest.mark.parametrize("tokens", [(8, 16), (16, 8), (8, 12)])
def test_languages_of_unlike_length_are_said_as_often_as_fits(single, tokens):
    """Attention hears the same: each side's prediction in the joined batch is what it is alone."""
    torch.manual_seed(0)
    first, second = (Condition(torch.randn(1, count, 10)) for count in tokens)
    x = torch.randn(1, 3, 9, 5)
    alone = torch.cat([single(x, LEVEL, first), single(x, LEVEL, second)])
    assert torch.allclose(single(torch.cat([x, x]), LEVEL, join(first, second)), alone, atol=1e-5)
    assert not torch.allclose(alone[0], alone[1], atol=1e-3)
