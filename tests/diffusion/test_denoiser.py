from __future__ import annotations

import pytest
import torch

from art2mus_core.checkpoints.folder import load_component
from art2mus_core.diffusion.denoiser import LatentDenoiser, build_unet, reads_text
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.types import Condition

LEVEL = torch.tensor(321)


@pytest.fixture(scope="module")
def single(pocket_like):
    return LatentDenoiser(load_component(pocket_like, "unet", build_unet))


@pytest.fixture(scope="module")
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
    with pytest.raises(CheckpointError, match="export-text"):
        double(latents(), LEVEL, Condition(told.language))


def test_the_network_computes_in_its_own_precision(pocket_like, told):
    unet = load_component(pocket_like, "unet", build_unet, dtype=torch.bfloat16)
    assert LatentDenoiser(unet)(latents(), LEVEL, told).dtype == torch.float32


WIDE = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "block_out_channels": [32, 64, 96],
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "attention_head_dim": 8,
    "cross_attention_dim": [[None, 10, 9]] * 3,
}


def heads_of(unet):
    """Heads of every level that attends, on the way down and in the middle."""
    blocks = [*unet.down_blocks[1:], unet.mid_block]
    return [block.attentions[0].transformer_blocks[0].attn1.heads for block in blocks]


@pytest.fixture
def both():
    torch.manual_seed(0)
    first, second = build_unet(WIDE).eval(), build_unet(WIDE, heads="original").eval()
    second.load_state_dict(first.state_dict(), strict=True)
    return first, second


def test_heads_are_the_checkpoints_own_or_the_original_ones(both):
    assert heads_of(both[0]) == [8, 8, 8]
    assert heads_of(both[1]) == [2, 3, 3]
    assert both[1].up_blocks[0].attentions[0].transformer_blocks[0].attn2.heads == 3


def test_both_readings_hold_the_same_tensors_and_are_another_function(both, told):
    shapes = [{key: tensor.shape for key, tensor in unet.state_dict().items()} for unet in both]
    assert shapes[0] == shapes[1]
    first, second = (LatentDenoiser(unet)(latents(), LEVEL, told) for unet in both)
    assert not torch.allclose(first, second, atol=1e-4)


def test_readings_that_say_the_same_are_the_same_function(both, told):
    same = build_unet({**WIDE, "attention_head_dim": [1, 2, 3]}).eval()
    same.load_state_dict(both[1].state_dict(), strict=True)
    assert torch.equal(LatentDenoiser(same)(latents(), LEVEL, told), LatentDenoiser(both[1])(latents(), LEVEL, told))


def test_a_reading_of_heads_that_is_not_known_is_refused():
    with pytest.raises(SettingError, match="one of config, original"):
        build_unet(WIDE, heads="eight")


def test_original_heads_need_channels_that_they_divide(pocket_like):
    with pytest.raises(SettingError, match="levels of 6, 10, 14 channels"):
        load_component(pocket_like, "unet", lambda config: build_unet(config, heads="original"))
