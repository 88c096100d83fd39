"""The autoencoder's decoder in stretches beside the whole one."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from art2mus_core.checkpoints.folder import load_component
from art2mus_core.checkpoints.names import locate
from art2mus_core.networks import stretches
from art2mus_core.networks.autoencoder import Autoencoder
from art2mus_core.networks.stretches import decoded

from .test_autoencoder import CONFIG


@pytest.fixture(scope="module", params=["bundled", "tiny", "mono, two layers"])
def vae(request, pocket_like):
    if request.param != "mono, two layers":
        return load_component(locate("pocket") if request.param == "bundled" else pocket_like, "vae", Autoencoder)
    torch.manual_seed(0)
    made = Autoencoder({**CONFIG, "in_channels": 1, "out_channels": 1, "layers_per_block": 2})
    for weight in made.parameters():
        nn.init.normal_(weight, std=0.3)
    return made.eval()


def latent_of(vae: Autoencoder, frames: int, batch: int = 1) -> torch.Tensor:
    return torch.randn(
        batch, vae.config["latent_channels"], frames, 13, generator=torch.Generator().manual_seed(frames)
    )


def longest(vae: Autoencoder, latent: torch.Tensor) -> int:
    """Numbers of the largest input of a convolution while a latent is decoded, those at the latent's size apart."""
    seen = list[int]()
    layers = [part for part in (*vae.decoder.up_blocks.modules(), vae.decoder.conv_out) if isinstance(part, nn.Conv2d)]
    hooks = [layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].numel())) for layer in layers]
    decoded(vae, latent)
    for hook in hooks:
        hook.remove()
    return max(seen)


@pytest.mark.parametrize("frames", [1, 2, 3, 17, 61])
@pytest.mark.parametrize("size", [1, 700, 20_000])
def test_stretches_compute_what_the_whole_does(vae, monkeypatch, frames, size):
    monkeypatch.setattr(stretches, "STRETCH", size)
    latent = latent_of(vae, frames)
    with torch.no_grad():
        expected = vae.decode(latent)
    found = decoded(vae, latent)
    assert found.shape == expected.shape
    assert found.is_contiguous()
    assert (found - expected).abs().max() <= 2e-5 * expected.abs().max()


def test_a_batch_has_the_norms_of_its_pieces(vae, monkeypatch):
    monkeypatch.setattr(stretches, "STRETCH", 3_000)
    latent = latent_of(vae, 19, batch=3) * torch.tensor([1.0, 0.1, 4.0])[:, None, None, None]
    found = decoded(vae, latent)
    for piece, alone in zip(found, latent, strict=True):
        expected = decoded(vae, alone[None])[0]
        assert (piece - expected).abs().max() <= 2e-5 * expected.abs().max()


def test_what_a_convolution_reads_does_not_grow_with_the_piece(vae, monkeypatch):
    monkeypatch.setattr(stretches, "STRETCH", 4_000)
    short, long = (longest(vae, latent_of(vae, frames)) for frames in (50, 400))
    assert long <= 1.3 * short
    monkeypatch.setattr(stretches, "STRETCH", 10**9)
    assert longest(vae, latent_of(vae, 50)) > 3 * long


def test_ten_seconds_of_the_bundled_model_are_decoded_in_stretches():
    vae = load_component(locate("pocket"), "vae", Autoencoder)
    latent = latent_of(vae, 100)
    with torch.no_grad():
        expected = vae.decode(latent)
    assert longest(vae, latent) < expected.numel() * 32 / 2 / 3  # its widest layer has 32 channels, the mel 2
    assert (decoded(vae, latent) - expected).abs().max() <= 1e-5


def test_another_device_than_a_processor_has_larger_stretches(vae):
    latent, there = latent_of(vae, 250), copy.deepcopy(vae).to("meta")
    found = decoded(there, latent.to("meta"))
    assert found.shape == decoded(vae, latent).shape
    assert longest(there, latent.to("meta")) >= longest(vae, latent)
    assert stretches._count(latent.expand(300, -1, -1, -1), 10**6) > 5
    assert stretches._count(latent.to("meta").expand(300, -1, -1, -1), 10**6) == 1


def test_bfloat16_has_norms_of_float32(monkeypatch):
    monkeypatch.setattr(stretches, "STRETCH", 50_000)
    vae = load_component(locate("pocket"), "vae", Autoencoder)
    latent = latent_of(vae, 40)
    with torch.no_grad():
        expected = vae.decode(latent)
        whole = vae.bfloat16().decode(latent.bfloat16()).float() - expected
    found = decoded(vae, latent.bfloat16())
    assert found.dtype == torch.bfloat16
    assert (found.float() - expected).abs().mean() <= 1.1 * whole.abs().mean()


def test_nothing_is_differentiated(vae):
    assert not decoded(vae, latent_of(vae, 3).requires_grad_()).requires_grad
