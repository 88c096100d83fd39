from __future__ import annotations

import pytest
import torch

from art2mus_core.checkpoints.folder import load_component
from art2mus_core.diffusion.denoiser import LatentDenoiser, build_unet, reads_text
from art2mus_core.errors import CheckpointError
from art2mus_core.types import Condition

LEVEL = torch.tensor(321)


@pytest.fixture
def single(pocket_like):
    return LatentDenoiser(load_component(pocket_like, "unet", build_unet))


@pytest.fixture
def double(published_like):
    return LatentDenoiser(load_component(published_like, "unet", build_unet))


@pytest.fixture
def told():
    torch.manual_seed(0)
    mask = torch.tensor([[True, True, False, True], [True, False, False, False]])
    return Condition(torch.randn(2, 8, 10), torch.randn(2, 4, 9), mask)


def latents(frames=9):
    return torch.randn(2, 3, frames, 5, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("widths", "expected"),
    [
        ([[None, 768, 1024]] * 4, True),
        ([[None, 768, 1024, None]] * 4, True),
        ([[128]] * 3, False),
        ([[None, 128]] * 3, False),
        (128, False),
        ([128, 128], False),
    ],
)
def test_the_text_slot_is_seen_in_the_configuration(widths, expected):
    assert reads_text({"cross_attention_dim": widths}) is expected


@pytest.mark.parametrize("frames", [1, 9, 10])
def test_any_length_keeps_its_shape(single, double, told, frames):
    for denoiser in (single, double):
        assert denoiser(latents(frames), LEVEL, told).shape == (2, 3, frames, 5)


def test_language_reaches_the_output(single, double, told):
    other = Condition(told.language.flip(0), told.text, told.text_mask)
    for denoiser in (single, double):
        assert not torch.equal(denoiser(latents(), LEVEL, told), denoiser(latents(), LEVEL, other))


def test_text_reaches_the_output_where_there_is_a_slot(single, double, told):
    other = Condition(told.language, told.text + told.text_mask[..., None], told.text_mask)
    assert not torch.equal(double(latents(), LEVEL, told), double(latents(), LEVEL, other))
    assert torch.equal(single(latents(), LEVEL, told), single(latents(), LEVEL, other))


def test_masked_text_does_not(double, told):
    other = Condition(told.language, told.text + 5 * (~told.text_mask)[..., None], told.text_mask)
    assert torch.allclose(double(latents(), LEVEL, told), double(latents(), LEVEL, other), atol=1e-6)


def test_a_slot_without_text_is_an_error(double, told):
    with pytest.raises(CheckpointError, match="unconditional_text"):
        double(latents(), LEVEL, Condition(told.language))


def test_the_network_computes_in_its_own_precision(pocket_like, told):
    unet = load_component(pocket_like, "unet", build_unet, dtype=torch.bfloat16)
    assert LatentDenoiser(unet)(latents(), LEVEL, told).dtype == torch.float32
