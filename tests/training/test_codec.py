"""The mel codec: its loss, and the moments of its latents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from art2mus_core.checkpoints.folder import load_component
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.networks.mel_codec import CodecDecoder, CodecEncoder
from art2mus_core.training.batches import Draw
from art2mus_core.training.stages import stage_builder


@pytest.fixture(scope="module")
def objective(pairs: Path, trained: Path, tiny):
    return stage_builder(tiny("codec"), pairs, trained)()


def test_the_loss_is_the_error_of_normalised_mels_and_the_divergence(objective):
    batch = objective.batch(Draw(np.random.default_rng(0), 3))
    assert batch.mel.shape == (3, 1, 52, 96)
    assert -1.001 <= batch.mel.min() < batch.mel.max() < 1.5
    loss, terms = objective(batch)
    mean, log_variance = objective.encoder(batch.mel[:, 0])
    wanted = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    drawn = wanted.mean + wanted.stddev * batch.noise[:, 0]
    error = torch.nn.functional.l1_loss(objective.decoder(drawn), batch.mel[:, 0])
    kl = torch.distributions.kl_divergence(wanted, torch.distributions.Normal(0.0, 1.0)).mean()
    torch.testing.assert_close(terms["error"], error)
    torch.testing.assert_close(terms["kl"], kl)
    torch.testing.assert_close(loss, error + 3e-4 * kl)


def test_the_exported_decoder_knows_the_moments_of_the_exported_latents(objective, trained: Path):
    encoder, decoder = (
        load_component(trained, f"codec_{name}", kind)
        for name, kind in (("encoder", CodecEncoder), ("decoder", CodecDecoder))
    )
    mels = [objective._mel(objective.mels[row][None, :, 0]) for row in objective.train_rows]
    with torch.no_grad():
        latent = torch.cat([encoder(mel)[0][0] for mel in mels])
    assert latent.shape[1] == 7
    torch.testing.assert_close(decoder.mean, latent.mean(0), atol=5e-3, rtol=5e-3)  # in half precision
    torch.testing.assert_close(decoder.std, latent.std(0, correction=0), atol=5e-3, rtol=5e-3)
    for config in (encoder.config, decoder.config):
        assert config["mel"]["mel_bins"] == 96
        assert config["normalisation"] == {"name": "range", "low": -8.112, "high": 1.0}


def test_validation_is_in_nats(objective, trained: Path):
    """The exported codec's error, whose normalisation divides by 4.556."""
    with torch.no_grad():
        found = objective.eval().validate()["log-mel error"]
        rows = objective.validation_rows
        mel = torch.from_numpy(objective.mels.crops(rows, 800)[:, :, 0])
        made = objective.decoder(objective.encoder((mel + 3.556) / 4.556)[0]) * 4.556 - 3.556
    assert found == pytest.approx(float((made - mel).abs().mean()), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "kind"),
    [({"crop": 54}, SettingError), ({"normalisation": {"name": "range", "low": 1.0, "high": 0.0}}, CheckpointError)],
)
def test_wrong_options_are_refused(pairs: Path, trained: Path, tiny, change, kind):
    with pytest.raises(kind):
        stage_builder(tiny("codec", change), pairs, trained)()
