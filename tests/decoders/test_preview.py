from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from art2mus_core.checkpoints.folder import load_component
from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.checkpoints.tensors import opened, save_tensors
from art2mus_core.datasets.synthetic.pairs import synthesize
from art2mus_core.decoders.preview import fit_preview, load_preview, preview_file, preview_of, save_preview
from art2mus_core.decoders.vae import MelAutoencoder
from art2mus_core.errors import CheckpointError
from art2mus_core.networks.autoencoder import Autoencoder
from art2mus_core.training.features.dataset import Dataset
from art2mus_core.types import Latent, Mel

POCKET = Path(__file__).parents[2] / "art2mus_core" / "pocket"
CHANNELS, FACTOR = 3, 4


def drawn(seed, frames=23, rows=5, batch=2):
    return torch.randn(batch, CHANNELS, frames, rows, generator=torch.Generator().manual_seed(seed))


def linear(values):
    """A mel that follows from a latent and its neighbours, differently in time and in pitch."""
    down = torch.nn.functional.pad(values, (0, 0, 1, 0))[:, :, :-1]
    parts = [(k + 1) * values[:, 0] + k * down[:, 1] - 2 + 0.1 * k for k in range(FACTOR * FACTOR)]
    return torch.nn.functional.pixel_shuffle(torch.stack(parts, 1), FACTOR)[:, 0]


def pairs(*seeds):
    return [(Latent(drawn(seed)), Mel(linear(drawn(seed)))) for seed in seeds]


@pytest.fixture
def preview():
    return fit_preview(pairs(*range(6)))


def explained(preview, latent, mel):
    wrong, spread = preview.draw(latent).values - mel.values, mel.values - mel.values.mean()
    return 1 - float(wrong.square().sum() / spread.square().sum())


def test_what_is_linear_is_found(preview):
    latent, mel = pairs(99)[0]
    assert preview.draw(latent).values.shape == (2, 23 * FACTOR, 5 * FACTOR)
    assert explained(preview, latent, mel) > 0.999


def test_pieces_may_come_in_any_portions(preview):
    whole = tuple(torch.cat(part) for part in zip(*((a.values, b.values) for a, b in pairs(*range(6))), strict=True))
    once = fit_preview([(Latent(whole[0]), Mel(whole[1]))])
    assert torch.allclose(once.weight, preview.weight, atol=1e-5)
    assert once.span == pytest.approx(preview.span)


def test_a_lone_pixel_moves_its_own_patch_most(preview):
    latent = torch.zeros(1, CHANNELS, 7, 5)
    silence = preview.draw(Latent(latent)).values
    latent[0, 0, 2, 3] = 1
    moved = (preview.draw(Latent(latent)).values - silence)[0]
    own = moved[2 * FACTOR : 3 * FACTOR, 3 * FACTOR : 4 * FACTOR]
    assert own.flatten() == pytest.approx(torch.arange(1.0, 17.0), rel=0.05)
    assert moved.abs().sum() < 1.1 * own.abs().sum()


def test_the_span_reaches_from_silence_to_an_average_pieces_loudest():
    quiet, loud = torch.full((1, 8, 20), -9.0), torch.full((1, 8, 20), -9.0)
    quiet[0, 3, 4], loud[0, 5, 6] = -3.0, -1.0
    made = fit_preview([(Latent(drawn(seed, 2, 5, 1)), Mel(mel)) for seed, mel in enumerate((quiet, loud))])
    assert made.span == (-9.0, -2.0)


def test_it_draws_what_it_drew_after_it_was_saved(preview, own_checkpoint):
    path = save_preview(own_checkpoint, preview, fitted_on="noise")
    again = load_preview(own_checkpoint)
    assert path == preview_file(own_checkpoint)
    assert again.weight.dtype == torch.float32
    assert again.span == pytest.approx(preview.span, rel=1e-3)
    latent = Latent(drawn(7))
    assert torch.allclose(again.draw(latent).values, preview.draw(latent).values, rtol=1e-2, atol=0.1)
    with opened(path) as file:
        assert file.metadata()["fitted_on"] == "noise"


def test_a_checkpoint_without_a_preview_has_none(own_checkpoint):
    assert load_preview(own_checkpoint) is None


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda held: held.pop("span"), "lacks span"),
        (lambda held: held.update(weight=held["weight"].repeat(1, 2, 1, 1)), r"weight of \[16, 6, 3, 3\] for"),
        (lambda held: held["bias"].fill_(torch.nan), "not finite in bias"),
    ],
)
def test_a_preview_that_does_not_fit_is_refused(preview, own_checkpoint, spoil, told):
    held = {"weight": preview.weight.clone(), "bias": preview.bias.clone(), "span": torch.tensor(preview.span)}
    spoil(held)
    save_tensors(preview_file(own_checkpoint), held)
    with pytest.raises(CheckpointError, match=told):
        load_preview(own_checkpoint)


def test_every_vae_gets_a_preview_of_its_shape(checkpoint):
    grid = read_grid(checkpoint)
    autoencoder = MelAutoencoder(load_component(checkpoint, "vae", Autoencoder), grid.latent_scale)
    first, second = preview_of(autoencoder, grid), preview_of(autoencoder, grid)
    assert torch.equal(first.weight, second.weight)
    assert first.draw(Latent(drawn(0, rows=grid.latent_rows))).values.shape == (2, 92, grid.mel_bins)


def test_the_bundled_preview_is_of_the_bundled_vae(tmp_path):
    """On real music. One of another VAE, or of latents at another scale, explains nothing of it."""
    grid = read_grid(POCKET)
    autoencoder = MelAutoencoder(load_component(POCKET, "vae", Autoencoder), grid.latent_scale)
    synthesize(tmp_path, 6, first_seed=9900)
    mels = Dataset(tmp_path, grid).mels(grid.latent_factor, grid.channels)
    channels = torch.stack([torch.from_numpy(mels[row].astype(np.float32)) for row in range(6)]).transpose(1, 2)
    latent, mel = autoencoder.encode(Mel(channels.flatten(0, 1))), Mel(channels.mean(1))
    assert explained(load_preview(POCKET), latent, mel) > 0.75
    assert explained(preview_of(autoencoder, grid), latent, mel) > 0.5


def test_what_a_little_noise_would_drown_is_not_read():
    """Sampled latents hold noise that the VAE ignores; a preview that read it would draw grain over everything."""
    faint = torch.tensor([1.0, 1.0, 0.01])[:, None, None]
    latents = [drawn(seed) * faint for seed in range(6)]
    mels = [(one[:, 0] + 30 * one[:, 2]).repeat_interleave(FACTOR, 1).repeat_interleave(FACTOR, 2) for one in latents]
    made = fit_preview((Latent(one), Mel(mel)) for one, mel in zip(latents, mels, strict=True))
    assert made.weight[:, 0, 1, 1].mean() == pytest.approx(1, abs=0.05)
    assert made.weight[:, 2].abs().max() < 2
