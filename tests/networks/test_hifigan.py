"""Our HiFi-GAN beside transformers', with the same weights."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

from art2mus_core.networks.hifigan import HifiGan

CONFIG = {
    "model_in_dim": 9,
    "upsample_initial_channel": 12,
    "upsample_rates": [5, 4],
    "upsample_kernel_sizes": [16, 8],
    "resblock_kernel_sizes": [3, 7],
    "resblock_dilation_sizes": [[1, 3], [1, 5]],
    "leaky_relu_slope": 0.2,
}


@pytest.mark.parametrize("normalised", [True, False])
@torch.no_grad()
def test_it_plays_what_transformers_plays(normalised):
    torch.manual_seed(0)
    config = {**CONFIG, "normalize_before": normalised}
    theirs = SpeechT5HifiGan(SpeechT5HifiGanConfig(**config)).eval()
    for weight in theirs.parameters():
        nn.init.normal_(weight, std=0.2)
    theirs.mean.uniform_()
    theirs.scale.uniform_(0.5, 2)
    ours = HifiGan(config).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    mel = torch.randn(2, 13, 9)
    found, expected = ours(mel), theirs(mel)
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=1e-6)
    assert 0.01 < expected.std() < 0.99


V1 = {
    "model_in_dim": 9,
    "upsample_initial_channel": 16,
    "upsample_rates": [4, 2],
    "upsample_kernel_sizes": [8, 4],
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "normalize_before": False,
}


def drawn(config):
    torch.manual_seed(0)
    network = HifiGan(config).eval().requires_grad_(False)
    for name, weight in network.named_parameters():
        nn.init.normal_(weight, std=0.15 if "bias" in name else weight[0].numel() ** -0.5)
    return network


def published(W, x):
    """HiFi-GAN V1's generator over [B, bins, T] after its paper and code, with weights by our names."""

    def layer(function, name, x, **sizes):
        return function(x, W[f"{name}.weight"], W[f"{name}.bias"], **sizes)

    x = layer(F.conv1d, "conv_pre", x, padding=3)
    for level, (rate, kernel) in enumerate(zip(V1["upsample_rates"], V1["upsample_kernel_sizes"], strict=True)):
        x = torch.where(x > 0, x, 0.1 * x)
        x = layer(F.conv_transpose1d, f"upsampler.{level}", x, stride=rate, padding=(kernel - rate) // 2)
        summed = torch.zeros_like(x)
        for kind, size in enumerate((3, 7, 11)):
            branch, block = x, f"resblocks.{3 * level + kind}"
            for place, step in enumerate((1, 3, 5)):
                y = torch.where(branch > 0, branch, 0.1 * branch)
                y = layer(F.conv1d, f"{block}.convs1.{place}", y, dilation=step, padding=step * (size - 1) // 2)
                y = torch.where(y > 0, y, 0.1 * y)
                branch = branch + layer(F.conv1d, f"{block}.convs2.{place}", y, padding=(size - 1) // 2)
            summed = summed + branch
        x = summed / 3
    return torch.tanh(layer(F.conv1d, "conv_post", torch.where(x > 0, x, 0.01 * x), padding=3))[:, 0]


@pytest.mark.parametrize("channels_last", [True, False])
def test_it_computes_the_published_generator_in_either_layout(channels_last):
    network, mel = drawn(V1), torch.randn(2, 13, 9)
    expected = published(network.state_dict(), mel.mT)
    network.lay_out(channels_last=channels_last)
    assert expected.shape == (2, 13 * 8)
    torch.testing.assert_close(network(mel), expected, rtol=1e-5, atol=1e-5)
    assert 0.01 < expected.std() < 0.9


def test_the_layout_is_that_of_the_memory_alone():
    network = drawn(V1)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    network.lay_out(channels_last=True)
    laid = network.conv_pre.weight
    assert laid[:, :, None].is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    network.lay_out(channels_last=True)
    assert network.conv_pre.weight.data_ptr() == laid.data_ptr()
    network.lay_out(channels_last=False)
    assert network.conv_pre.weight.is_contiguous()


@pytest.mark.parametrize("config", [V1, CONFIG], ids=["even", "wider kernels"])
@pytest.mark.parametrize("frames", [3, 50, 100])
def test_in_pieces_it_plays_what_it_plays_at_once(config, frames):
    network, mel = drawn({**config, "normalize_before": True}), torch.randn(2, 67, 9)
    network.lay_out(channels_last=True)
    pieces, whole = list(network.stream(mel, frames)), network(mel)
    assert len(pieces) > 1 or frames == 100
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, rtol=0, atol=1e-6)
    hop = math.prod(config["upsample_rates"])
    assert frames > 3 or frames * hop <= pieces[0].shape[1] < (frames + 1) * hop
