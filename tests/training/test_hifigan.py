"""HiFi-GAN against its discriminators: their losses, one step of both, and what is exported."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from art2mus_core.checkpoints.folder import load_component, read_config
from art2mus_core.errors import SettingError
from art2mus_core.networks.discriminators import Discriminators
from art2mus_core.networks.hifigan import HifiGan
from art2mus_core.training.batches import Draw
from art2mus_core.training.loop import train
from art2mus_core.training.objectives.adversarial import adversarial_losses
from art2mus_core.training.stages import stage_builder

from .conftest import VOCODER, state_of
from .test_loop import Stopper


def transcribed(judge: Discriminators, made: torch.Tensor, wanted: torch.Tensor) -> dict[str, torch.Tensor]:
    """The losses as HiFi-GAN's paper writes them, for discriminators that are all trainable."""
    found = {"discriminators": 0.0, "adversarial": 0.0, "features": 0.0}
    for real, fake in zip(judge(wanted), judge(made), strict=True):
        found["discriminators"] += F.mse_loss(real.score, torch.ones_like(real.score)) + fake.score.pow(2).mean()
        found["adversarial"] += F.mse_loss(fake.score, torch.ones_like(fake.score))
        found["features"] += sum(F.l1_loss(one, other) for one, other in zip(real.features, fake.features, strict=True))
    return found


def test_one_backward_pass_has_the_gradients_of_both_losses():
    torch.manual_seed(0)
    judge = Discriminators(VOCODER["discriminators"]).eval()  # no power iteration between the passes
    maker = torch.nn.Linear(5, 700)
    noise, wanted = torch.randn(2, 5), torch.randn(2, 700)
    losses = adversarial_losses(judge, maker(noise), wanted)
    expected = transcribed(judge, maker(noise), wanted)
    for name, value in losses.items():
        torch.testing.assert_close(value, expected[name])
    (losses["discriminators"] + losses["adversarial"] + 2 * losses["features"]).backward()
    of_judge = torch.autograd.grad(
        transcribed(judge, maker(noise).detach(), wanted)["discriminators"], [*judge.parameters()]
    )
    expected = transcribed(judge, maker(noise), wanted)
    of_maker = torch.autograd.grad(expected["adversarial"] + 2 * expected["features"], [*maker.parameters()])
    for network, gradients in ((judge, of_judge), (maker, of_maker)):
        for weight, gradient in zip(network.parameters(), gradients, strict=True):
            torch.testing.assert_close(weight.grad, gradient, rtol=1e-4, atol=1e-7)


def test_a_discriminator_of_a_period_sees_each_phase_alone():
    [judge] = Discriminators({"periods": [3], "scales": 1, "width": 4}).periods
    sound = torch.randn(1, 1, 300)
    changed = sound.clone()
    changed[..., 1::3] += 1
    away = (judge(sound).features[0] - judge(changed).features[0]).abs().amax((0, 1, 2))
    assert (away > 0).tolist() == [False, True, False]
    assert [len(each.features) for each in Discriminators(VOCODER["discriminators"])(sound[:, 0])] == [6, 8, 8]


def test_it_is_trained_resumed_and_exported_without_discriminators(hifigan, pairs, tmp_path):
    config, stopper = hifigan(), Stopper(1)
    with pytest.raises(KeyboardInterrupt):
        train(stage_builder(config, pairs, tmp_path), config, tmp_path / "stopped", on_step=stopper)
    train(stage_builder(config, pairs, tmp_path), config, tmp_path / "stopped")
    objective, history = train(stage_builder(config, pairs, tmp_path), config, tmp_path / "whole")
    resumed, whole = state_of(tmp_path / "stopped"), state_of(tmp_path / "whole")
    assert resumed["history"] == whole["history"]
    assert all(torch.equal(value, whole["trained"][name]) for name, value in resumed["trained"].items())
    assert {name.split(".")[0] for name in whole["trained"]} == {"vocoder", "discriminators"}
    assert whole["optimiser"]["param_groups"][0]["betas"] == (0.8, 0.99)
    assert {"discriminators", "adversarial", "features", "mel"} <= history[0].keys()
    assert "validation log-mel error" in history[1]
    objective.export(tmp_path / "out")
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["vocoder"]
    network = load_component(tmp_path / "out", "vocoder", HifiGan)
    batch = objective.batch(Draw(np.random.default_rng(0), 2))
    with torch.no_grad():
        torch.testing.assert_close(network(batch.mel), objective.vocoder(batch.mel), atol=2e-3, rtol=2e-2)
    changed = hifigan({"start": str(tmp_path / "out")})
    again = stage_builder(changed, pairs, tmp_path)()
    with torch.no_grad():
        torch.testing.assert_close(again.vocoder(batch.mel), network(batch.mel), atol=1e-5, rtol=1e-4)
    assert all(weight.requires_grad for weight in again.trained.parameters())
    wrong = {**VOCODER, "vocoder": {**VOCODER["vocoder"], "resblock_kernel_sizes": [5]}}
    with pytest.raises(SettingError, match="a vocoder of other resblock_kernel_sizes"):
        stage_builder(hifigan({"start": str(tmp_path / "out")}, model=wrong), pairs, tmp_path)()


def test_mels_lie_where_their_sounds_do(hifigan, pairs, tmp_path):
    objective = stage_builder(hifigan(), pairs, tmp_path)()
    batch = objective.batch(Draw(np.random.default_rng(1), 3))
    assert batch.mel.shape == (3, 11, 96)
    assert batch.sound.shape == (3, 2200)
    row = Draw(np.random.default_rng(1), 3).rows(objective.train_rows)[0]
    whole = torch.from_numpy(objective.sounds[row][:, 0].astype(np.float32)) / 32767
    at = int(batch.first[0])
    assert torch.equal(whole[at * 200 : (at + 11) * 200], batch.sound[0])
    assert torch.equal(torch.from_numpy(objective.mels[row][at : at + 11, 0].astype(np.float32)), batch.mel[0])


def test_the_error_of_mels_has_a_gradient(hifigan, pairs, tmp_path):
    objective = stage_builder(hifigan(), pairs, tmp_path)()
    made = torch.randn(1, 4000).mul(0.1).requires_grad_()
    objective._error(made, torch.randn(1, 4000)).backward()
    assert made.grad.abs().amax() > 0


def test_predicted_mels_begin_with_the_music(hifigan, build_mel, commented, mel_parts, tmp_path):
    folder = shutil.copytree(mel_parts, tmp_path / "checkpoint")
    regression = build_mel("bilstm")
    regression.export(folder)
    objective = stage_builder(hifigan({"mels": "predicted"}), commented, folder)()
    batch = objective.batch(Draw(np.random.default_rng(1), 3))
    assert batch.first.max() <= 91 - 11
    predicted = objective.predicted
    with torch.no_grad():
        whole = predicted.decoder.normalisation.undo(predicted.decoder.network(batch.fused, 91))
    at = int(batch.first.argmin())
    # the last frame differs, because a bidirectional network sees the end
    found = predicted.crops(batch.fused, batch.first, 11)[at]
    assert found.shape == (11, 96)
    assert (found - whole[at, batch.first[at] : batch.first[at] + 11]).abs().max() < 0.1
    loss, _ = objective(batch)
    loss.backward()
    assert all(weight.grad is None for weight in predicted.parameters())
    assert set(objective.parts()["checkpoint"]) == {"fusion", "mel_decoder"}


def test_upsampling_by_another_factor_than_the_hop_is_refused(hifigan, pairs, tmp_path):
    wrong = {**VOCODER, "vocoder": {**VOCODER["vocoder"], "upsample_rates": [10, 10]}}
    with pytest.raises(SettingError, match="upsample_rates that multiply to 100"):
        stage_builder(hifigan(model=wrong), pairs, tmp_path)()
    with pytest.raises(SettingError, match=r"crop 10; expected 11 frames"):
        stage_builder(hifigan({"crop": 10}), pairs, tmp_path)()


def test_mels_that_are_drawn_belong_to_no_music(hifigan, build_mel, commented, mel_parts, tmp_path):
    folder = shutil.copytree(mel_parts, tmp_path / "checkpoint")
    build_mel("diffusion").export(folder)
    assert read_config(folder, "mel_decoder")["model_type"] == "diffusion"
    for checkpoint, kind in ((folder, "a mel decoder 'diffusion'"), (mel_parts, "no mel decoder")):
        with pytest.raises(SettingError, match=f"which has {kind}; expected a regression"):
            stage_builder(hifigan({"mels": "predicted"}), commented, checkpoint)()


def test_mels_are_predicted_with_the_encoders_of_the_fusion(hifigan, build_mel, commented, mel_parts, tmp_path):
    folder = shutil.copytree(mel_parts, tmp_path / "checkpoint")
    build_mel("bilstm").export(folder)
    config = folder / "fusion" / "config.json"
    config.write_text(config.read_text().replace('"image_space": "tiny"', '"image_space": "other"'))
    with pytest.raises(SettingError, match="of the space 'tiny'; expected the image encoder of the space 'other'"):
        stage_builder(hifigan({"mels": "predicted"}), commented, folder)()


def test_mels_are_predicted_with_the_image_encoder_that_the_index_names(  # noqa: PLR0917
    hifigan, build_mel, commented, mel_parts, tmp_path, monkeypatch
):
    folder, home = shutil.copytree(mel_parts, tmp_path / "checkpoint"), tmp_path / "home"
    build_mel("bilstm").export(folder)
    (home / "seeing").mkdir(parents=True)
    (folder / "image_encoder").rename(home / "seeing" / "image_encoder")
    index = folder / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "encoder": "seeing"}))
    monkeypatch.setenv("ART2MUS_HOME", str(home))
    objective = stage_builder(hifigan({"mels": "predicted"}), commented, folder)()
    assert objective.predicted.encoder == home / "seeing"


def test_a_start_without_a_vocoder_is_refused(hifigan, pairs, tmp_path):
    """Such as the dataset, into which nothing is to be trained."""
    with pytest.raises(
        SettingError, match=r"`start: .*, which has no vocoder; expected a checkpoint with a HiFi-GAN\. C"
    ):
        stage_builder(hifigan({"start": str(pairs)}), pairs, tmp_path)()


def test_a_start_with_another_kind_of_vocoder_is_refused(hifigan, pairs, trained):
    with pytest.raises(SettingError, match=r"whose vocoder is of the kind 'tonewheel'; expected .* a HiFi-GAN"):
        stage_builder(hifigan({"start": str(trained)}), pairs, trained)()
