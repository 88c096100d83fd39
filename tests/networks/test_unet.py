"""Our UNet beside diffusers', with the same weights."""

from __future__ import annotations

import pytest
import torch
from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2UNet2DConditionModel
from torch import nn

from art2mus_core.errors import CheckpointError
from art2mus_core.networks.unet import UNet

SIZES = {
    "in_channels": 3,
    "out_channels": 5,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "block_out_channels": [6, 10, 14],
    "layers_per_block": 2,
    "norm_num_groups": 2,
    "attention_head_dim": 2,
    "cross_attention_dim": [[None, 7, 9]] * 3,
}

LAYOUTS = {
    "pocket": {
        "cross_attention_dim": [[7]] * 3,
        "attention_head_dim": [3, 5, 7],
        "use_linear_projection": True,
        "layers_per_block": 1,
    },
    "audioldm2": {},
    "audioldm2-large": {"cross_attention_dim": [[None, 7, 9, None]] * 3, "transformer_layers_per_block": 2},
    "heads that don't divide": {"attention_head_dim": [3, 4, 4]},
    "unlike levels": {"layers_per_block": [1, 2, 1], "transformer_layers_per_block": [1, 2, 1]},
    "one width": {"cross_attention_dim": 7},
    "kernels and waves": {"conv_in_kernel": 5, "conv_out_kernel": 1, "flip_sin_to_cos": False, "freq_shift": 1},
    "attention first": {
        "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "UpBlock2D", "CrossAttnUpBlock2D"],
    },
}


@pytest.fixture(scope="module", params=list(LAYOUTS))
def pair(request):
    torch.manual_seed(0)
    config = {**SIZES, **LAYOUTS[request.param]}
    theirs = AudioLDM2UNet2DConditionModel.from_config(config).eval()
    for weight in theirs.parameters():
        nn.init.normal_(weight, std=0.3)
    ours = UNet(config).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours, theirs


def given(frames):
    torch.manual_seed(1)
    mask = torch.tensor([[1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]])
    return torch.randn(2, 3, frames, 5), torch.randn(2, 8, 7), torch.randn(2, 4, 9), mask


@pytest.mark.parametrize("frames", [1, 8, 11])
@torch.no_grad()
def test_it_computes_what_diffusers_computes(pair, frames):
    ours, theirs = pair
    x, language, text, mask = given(frames)
    if 9 not in torch.tensor([[width or 0 for width in each] for each in _widths(ours)]):
        text = mask = None
    for t in (torch.tensor(321), torch.tensor([7, 999])):
        expected = theirs(
            x,
            t,
            encoder_hidden_states=language,
            encoder_hidden_states_1=text,
            encoder_attention_mask_1=mask,
            return_dict=False,
        )[0]
        found = ours(x, t, language, text, mask)
        assert found.shape == (2, 5, frames, 5)
        assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()
        assert expected.std() > 0.1


def _widths(unet):
    widths = unet.config["cross_attention_dim"]
    return [each if isinstance(each, list) else [each] for each in (widths if isinstance(widths, list) else [widths])]


def test_gradients_are_those_of_diffusers(pair):
    ours, theirs = pair
    x, language, text, mask = given(8)
    if [9] not in [[width] for each in _widths(ours) for width in each]:
        text = mask = None
    for network in (ours, theirs):
        network.requires_grad_(requires_grad=True).zero_grad()
    ours(x, torch.tensor([7, 999]), language, text, mask).square().mean().backward()
    theirs(
        x,
        torch.tensor([7, 999]),
        encoder_hidden_states=language,
        encoder_hidden_states_1=text,
        encoder_attention_mask_1=mask,
    ).sample.square().mean().backward()
    expected = dict(theirs.named_parameters())
    for name, weight in ours.named_parameters():
        wanted = expected[name].grad
        assert (weight.grad - wanted).abs().max() <= 1e-4 * wanted.abs().max() + 1e-6, name


def kept(unet, inputs, *, checkpointing):
    """The gradients of the language and of the weights that have some, and the bytes that are kept for the backward pass."""
    language, *others = inputs
    language, stored = language.clone().requires_grad_(), {}

    def pack(value):
        stored[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        return value

    unet.zero_grad()
    unet.checkpointing = checkpointing
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
        unet(others[0], torch.tensor([7, 999]), language, *others[1:]).square().mean().backward()
    for weight in unet.parameters():
        stored.pop(weight.untyped_storage().data_ptr(), None)
    return [language.grad, *(weight.grad for weight in unet.parameters() if weight.grad is not None)], sum(
        stored.values()
    )


@pytest.mark.parametrize(
    ("layout", "trained"), [("audioldm2", False), ("audioldm2", True), ("unlike levels", False)], ids=str
)
def test_with_checkpointing_gradients_are_the_same_bit_for_bit(layout, trained):
    unet = UNet({**SIZES, **LAYOUTS[layout]}).double().eval().requires_grad_(requires_grad=trained)
    assert not unet.checkpointing
    x, language, text, mask = (each.double() for each in given(11))
    (plain, most), (again, least) = (
        kept(unet, (language, x, text, mask), checkpointing=checkpointing) for checkpointing in (False, True)
    )
    assert len(plain) == len(again) == 1 + trained * len(list(unet.parameters()))
    assert all(torch.equal(one, other) for one, other in zip(plain, again, strict=True))
    assert plain[0].abs().max() > 0
    assert least < 0.5 * most


def test_without_gradients_nothing_is_checkpointed(monkeypatch):
    unet = UNet(SIZES)
    unet.checkpointing = True
    monkeypatch.setattr("art2mus_core.networks.stages.checkpoint", None)
    x, language, text, mask = given(8)
    with torch.no_grad():
        assert unet(x, torch.tensor(3), language, text, mask).isfinite().all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"act_fn": "mish"}, r"a UNet with act_fn 'mish' \(not 'silu'\)"),
        ({"class_embed_type": "projection"}, r"class_embed_type 'projection' \(not None\)"),
        ({"mid_block_type": "UNetMidBlock2D"}, r"mid_block_type 'UNetMidBlock2D'"),
        (
            {"down_block_types": ["UpBlock2D"] * 3},
            "down_block_types UpBlock2D.*expected DownBlock2D or CrossAttnDownBlock2D",
        ),
        (
            {"down_block_types": ["DownBlock2D"] * 2},
            r"down_block_types DownBlock2D, DownBlock2D; expected .* for each of 3 block_out",
        ),
        ({"up_block_types": ["AttnUpBlock2D"] * 3}, r"up_block_types AttnUpBlock2D"),
        ({"layers_per_block": [1, 2]}, r"2 layers_per_block.*3 of each, one per level"),
    ],
)
def test_an_option_that_is_not_there_is_refused_by_name(wrong, message):
    with pytest.raises(CheckpointError, match=message):
        UNet({**SIZES, **wrong})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"norm_eps": "x"}, r"norm_eps 'x'; expected a number from 0 to 1"),
        ({"norm_eps": None}, "norm_eps None"),
        ({"freq_shift": 1e30}, "freq_shift 1e"),
        ({"norm_num_groups": -1}, "norm_num_groups -1; expected a whole number from 1"),
        ({"norm_num_groups": True}, "norm_num_groups True"),
        ({"flip_sin_to_cos": "x"}, "flip_sin_to_cos 'x'; expected true or false"),
        ({"block_out_channels": "wide"}, "block_out_channels 'wide'; expected a list"),
        ({"layers_per_block": 10**7}, "layers_per_block 10000000; expected a whole number from 1 to 1000"),
        ({"transformer_layers_per_block": [1, 10**7, 1]}, "transformer_layers_per_block"),
        ({"attention_head_dim": [-1, 2, 2]}, "attention_head_dim"),
        ({"cross_attention_dim": None}, "cross_attention_dim None"),
    ],
)
def test_an_option_of_another_kind_is_refused_by_name_before_anything_is_built(wrong, message):
    with pytest.raises(CheckpointError, match=message):
        UNet({**SIZES, **wrong})
