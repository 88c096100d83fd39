from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from art2mus_core.audio.mel import MelTransform
from art2mus_core.audio.reading import read_audio
from art2mus_core.checkpoints.folder import load_component
from art2mus_core.networks.autoencoder import Autoencoder
from art2mus_core.training.features.latents import encode_latents
from art2mus_core.training.features.windows import read_window

from .conftest import CPU, Opened, dataset_of


def test_moments_are_the_vaes(small: Path, pocket_like: Path):
    data = dataset_of(small, pocket_like)
    grid, latents = data.grid, encode_latents(data, pocket_like, CPU)
    vae = load_component(pocket_like, "vae", Autoencoder)
    step = grid.hop * grid.latent_factor
    for row in range(5):
        samples = read_audio(small / f"{row}.wav", grid.sample_rate, mono=False).samples[0, :, : data.samples[row]]
        samples = samples.expand(grid.channels, -1)
        mel = MelTransform(grid)(torch.nn.functional.pad(samples, (0, -samples.shape[-1] % step)))
        with torch.no_grad():
            posterior = vae.encode(mel[None])
        expected = torch.stack([posterior.mean[0], posterior.log_variance[0]]).permute(2, 0, 1, 3)
        found = torch.from_numpy(latents[row].astype(np.float32))
        assert found.shape == (latents.lengths[row], 2, grid.latent_channels, grid.latent_rows) == expected.shape
        assert (found - expected).norm() < 0.02 * expected.norm()


def test_latents_follow_from_stored_mels_too(small: Path, pocket_like: Path, monkeypatch: pytest.MonkeyPatch):
    latents = encode_latents(dataset_of(small, pocket_like), pocket_like, CPU)
    first = [latents[row] for row in range(8)]
    shutil.rmtree(small / "features")
    data = dataset_of(small, pocket_like)
    data.mels(data.grid.latent_factor, data.grid.channels)
    opened = Opened(monkeypatch)
    second = encode_latents(data, pocket_like, CPU)
    assert opened.paths == []
    assert all(np.array_equal(first[row], second[row]) for row in range(8))


def test_excerpts_are_latents_of_their_own(small: Path, pocket_like: Path):
    """A second of each piece from 0.4 s on, or its last one, filled up to 26 latent frames."""
    data = dataset_of(small, pocket_like)
    grid = data.grid
    window = read_window("0.4-1.4", 0.5, 26)
    latents = encode_latents(data, pocket_like, CPU, window)
    assert latents.lengths.tolist() == [26] * 8
    begins = [min(0.4, number / 7) * grid.latent_rate for number in (0, 1, 2, 3, 4, 0, 1, 4)]
    assert latents.firsts(np.arange(8), 26).tolist() == pytest.approx(begins, abs=0.1)
    assert not np.array_equal(latents[0], encode_latents(data, pocket_like, CPU)[0][:26])
    several = encode_latents(data, pocket_like, CPU, read_window("random:3x0.5"))
    assert (several.windows, set(several.lengths.tolist())) == (3, {30})
    crops = several.crops(np.array([4, 4]), 10, np.array([0.0, 0.7]))
    assert np.array_equal(crops, several[4].astype(np.float32)[[range(10), range(20, 30)]])
    assert several.begins[4].tolist() == pytest.approx(several.firsts(np.array([4] * 3), 10, np.array([0, 0.4, 0.7])))


def test_the_window_is_no_other_windows(small: Path, pocket_like: Path):
    data = dataset_of(small, pocket_like)
    for text, level, frames in (("0.1-0.6", None, 0), ("0.1-0.6", 0.5, 0), ("0.1-0.6", None, 12), ("0.1-0.7", None, 0)):
        encode_latents(data, pocket_like, CPU, read_window(text, level, frames))
    encode_latents(data, pocket_like, CPU, read_window("0.1-0.6", None, 9))  # shorter than the excerpt
    assert len(data.stores) == 4
