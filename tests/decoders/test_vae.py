from __future__ import annotations

import pytest
import torch

from art2mus_core.checkpoints.folder import load_component
from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.decoders.vae import MelAutoencoder
from art2mus_core.networks.autoencoder import Autoencoder
from art2mus_core.types import Latent, Mel


@pytest.fixture
def vae(pocket_like):
    return load_component(pocket_like, "vae", Autoencoder)


@pytest.fixture
def grid(pocket_like):
    return read_grid(pocket_like)


def test_shapes_follow_the_grid(vae, grid):
    autoencoder = MelAutoencoder(vae, grid.latent_scale)
    latent = Latent(torch.randn(2, *grid.latent_shape(0.35)))
    mel = autoencoder.decode(latent)
    assert latent.values.shape == (2, 3, 7, 5)
    assert mel.values.shape == (2 * grid.channels, 28, grid.mel_bins)
    assert autoencoder.encode(mel).values.shape == latent.values.shape


def test_latents_are_scaled_on_the_way_in_and_unscaled_on_the_way_out(vae):
    mel = Mel(torch.randn(2, 12, 20))
    plain, scaled = MelAutoencoder(vae, 1.0), MelAutoencoder(vae, 0.25)
    latent = plain.encode(mel)
    assert torch.allclose(scaled.encode(mel).values, 0.25 * latent.values)
    assert torch.allclose(scaled.decode(scaled.encode(mel)).values, plain.decode(latent).values, atol=1e-5)


def test_samples_come_from_the_given_generator(vae):
    autoencoder, mel = MelAutoencoder(vae, 1.0), Mel(torch.randn(2, 12, 20))
    first, second = (autoencoder.encode(mel, torch.Generator().manual_seed(3)).values for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, autoencoder.encode(mel).values)
