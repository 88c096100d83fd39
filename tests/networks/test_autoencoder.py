"""Our autoencoder beside diffusers', with the same weights."""

from __future__ import annotations

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn

from art2mus_core.errors import CheckpointError
from art2mus_core.networks.autoencoder import Autoencoder, Posterior

CONFIG = {
    "in_channels": 2,
    "out_channels": 2,
    "down_block_types": ["DownEncoderBlock2D"] * 3,
    "up_block_types": ["UpDecoderBlock2D"] * 3,
    "block_out_channels": [6, 10, 14],
    "layers_per_block": 2,
    "latent_channels": 3,
    "norm_num_groups": 2,
}


@pytest.fixture(scope="module", params=[1, 2], ids=["one layer", "two layers"])
def pair(request):
    torch.manual_seed(0)
    config = {**CONFIG, "layers_per_block": request.param}
    theirs = AutoencoderKL.from_config(config).eval()
    for weight in theirs.parameters():
        nn.init.normal_(weight, std=0.3)
    ours = Autoencoder(config).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours, theirs


@torch.no_grad()
def test_encoder_and_decoder_compute_what_diffusers_computes(pair):
    ours, theirs = pair
    x = torch.randn(2, 2, 20, 12)
    found, expected = ours.encode(x), theirs.encode(x).latent_dist
    assert found.mean.shape == (2, 3, 5, 3)
    assert torch.allclose(found.mean, expected.mean, rtol=1e-5, atol=1e-5)
    assert torch.allclose(found.log_variance, expected.logvar, rtol=1e-5, atol=1e-5)
    assert torch.allclose(found.kl(), expected.kl(), rtol=1e-5)
    first, second = (
        each.sample(generator=torch.Generator().manual_seed(3))
        for each in (Posterior(expected.mean, expected.logvar), expected)
    )
    assert torch.equal(first, second)
    decoded, wanted = ours.decode(found.mean), theirs.decode(found.mean).sample
    assert decoded.shape == (2, 2, 20, 12)
    assert (decoded - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def test_gradients_are_those_of_diffusers(pair):
    ours, theirs = pair
    x = torch.randn(2, 2, 8, 8)
    (ours.encode(x).kl().sum() + ours.decode(ours.encode(x).mean).square().sum()).backward()
    posterior = theirs.encode(x).latent_dist
    (posterior.kl().sum() + theirs.decode(theirs.encode(x).latent_dist.mode()).sample.square().sum()).backward()
    expected = dict(theirs.named_parameters())
    for name, weight in ours.named_parameters():
        wanted = expected[name].grad
        assert (weight.grad - wanted).abs().max() <= 1e-4 * wanted.abs().max() + 1e-6, name


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"use_quant_conv": False}, r"a VAE with use_quant_conv False \(not True\)"),
        ({"down_block_types": ["AttnDownEncoderBlock2D"] * 3}, "AttnDownEncoderBlock2D"),
        ({"shift_factor": 5.0}, r"shift_factor 5\.0 \(not None\)"),
        ({"out_channels": 1, "in_channels": 2}, "a VAE of 2 in_channels and 1 out_channels"),
        ({"up_block_types": ["UpDecoderBlock2D"] * 2}, "UpDecoderBlock2D for each of 3"),
    ],
)
def test_an_option_that_is_not_there_is_refused_by_name(wrong, message):
    with pytest.raises(CheckpointError, match=message):
        Autoencoder({**CONFIG, **wrong})
