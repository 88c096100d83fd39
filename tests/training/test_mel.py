"""Fusion and mel decoder, trained on pairs with comments."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from art2mus_core.checkpoints.folder import load_component, read_config, read_index
from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.diffusion.plan import metre_channels
from art2mus_core.errors import CheckpointError, DatasetError, SettingError
from art2mus_core.networks.fusion import GatedFusion
from art2mus_core.pipelines import load
from art2mus_core.pipelines.mel_diffusion import MelDenoiser
from art2mus_core.training.batches import Draw
from art2mus_core.training.loop import train
from art2mus_core.training.objectives.mel import MEL_LOSSES
from art2mus_core.training.objectives.mel_denoising import encode_mels
from art2mus_core.training.objectives.mel_regression import weighted_error
from art2mus_core.training.stages import stage_builder
from art2mus_core.types import Condition

from .conftest import COMMENTS, Letters, state_of
from .test_loop import Stopper


def run(config: Any, data: Path, checkpoint: Path, state: Path, **more: Any) -> Any:
    return train(stage_builder(config, data, checkpoint), config, state, **more)


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize("kind", MEL_LOSSES)
def test_it_is_trained_resumed_exported_and_composes(kind, mel_config, commented, mel_parts, tmp_path):
    config, stopper = mel_config(kind), Stopper(2)
    with pytest.raises(KeyboardInterrupt):
        run(config, commented, mel_parts, tmp_path / "stopped", on_step=stopper)
    run(config, commented, mel_parts, tmp_path / "stopped")
    objective, history = run(config, commented, mel_parts, tmp_path / "whole")
    resumed, whole = state_of(tmp_path / "stopped"), state_of(tmp_path / "whole")
    assert all(torch.equal(value, whole["average"][key]) for key, value in resumed["average"].items())
    assert resumed["history"] == whole["history"]
    assert {"validation loss"} <= history[0].keys()
    for name in dict(objective.trained):
        weights = whole["trained"]
        moved = [
            key for key in weights if key.startswith(name) and not torch.equal(weights[key], whole["average"][key])
        ]
        assert moved, name
    folder = shutil.copytree(mel_parts, tmp_path / "checkpoint")
    objective.export(folder)
    fusion = load_component(folder, "fusion", GatedFusion)
    assert (
        fusion.config | {"text_space": "letters", "image_space": "tiny", "normalised": False, "neutral": True}
        == fusion.config
    )
    sampling = {"steps": 2} if kind == "diffusion" else {}
    one, other = load(str(folder)).compose(
        [paint(3), paint(3)], comments=[["so calm"], []], seeds=[1, 1], seconds=1.0, level=False, **sampling
    )
    assert one.samples.shape == (1, 1, 16_000)
    assert one.samples.isfinite().all()
    assert not torch.equal(one.samples, other.samples)
    index = read_index(folder)
    assert index["_class_name"] == "Art2MusicPipeline"
    assert "encoder" not in index
    assert index["art2mus"] if kind == "diffusion" else "art2mus" not in index


def test_the_encoders_in_other_folders_are_named_or_copied(build_mel, tmp_path):
    build_mel("bilstm").export(tmp_path)
    assert read_index(tmp_path)["encoder"] == "checkpoint"
    assert read_config(tmp_path, "text_encoder") == {"model_type": "letters"}


def test_the_loss_weighs_high_bands_more():
    """Against a transcription of Art2Music's formula, mean |w * pred - w * target|."""
    made, wanted = torch.randn(2, 5, 7), torch.randn(2, 5, 7)
    weights = np.linspace(1.0, 1.5, 7)
    expected = np.abs(made.numpy() * weights - wanted.numpy() * weights)
    torch.testing.assert_close(weighted_error(made, wanted, (1.0, 1.5)).mean(), torch.tensor(expected.mean()).float())


def test_a_regression_learns_the_beginnings_of_mels(build_mel):
    objective = build_mel("bilstm")
    draw = Draw(np.random.default_rng(0), 3)
    rows = np.array([5, 0, 5])
    target = objective.learning.target(draw, rows, np.ones(3))
    mels = objective.data.mels()
    assert target.mel.shape == (3, 91, 96)
    for row, mel in zip(rows, target.mel, strict=True):
        torch.testing.assert_close(
            mel * 4.556 - 3.556, torch.from_numpy(mels[row][:91, 0].astype(np.float32)), atol=1e-5, rtol=1e-4
        )


def test_the_denoiser_learns_standardised_latents_and_plans(build_mel, mel_parts):
    objective = build_mel("diffusion", {"drop": 0.4})
    target = objective.learning.target(
        Draw(np.random.default_rng(0), 3), np.array([0, 1, 3]), np.array([0.9, 0.3, 0.1])
    )
    assert target.latent.shape == target.noise.shape == (3, 7, 21, 1)  # 87 frames are 21 latent frames of 4
    pieces = encode_mels(objective.data, mel_parts, torch.device("cpu"))
    assert torch.equal(target.latent[1, :, :, 0], torch.from_numpy(pieces[1][:21]).mT)
    every = np.concatenate([pieces[row] for row in objective.train_rows])
    assert np.abs(every.mean(0)).max() < 0.05  # moments are stored in half precision
    assert np.abs(every.std(0) - 1).max() < 0.05
    first = objective.data.pairs[0]
    assert target.plan.step[0] == pytest.approx(first.tempo / 60 / 20)
    assert target.plan.frames.tolist() == [200, 200, 200]
    assert target.plan.band[1] == target.plan.band[2] == target.plan.key[2] == -1
    assert target.plan.step[1] > 0  # dropped, and among the 40 % that are told their plan
    assert target.plan.step[2] == 0


@pytest.mark.parametrize("kind", MEL_LOSSES)
def test_a_start_begins_with_the_weights_of_a_checkpoint(build_mel, mel_parts, kind, tmp_path: Path):
    folder = shutil.copytree(mel_parts, tmp_path / "start")
    first = build_mel(kind)
    first.export(folder)
    begun = build_mel(kind, {"start": str(folder)})
    for name, weights in first.trained.state_dict().items():
        torch.testing.assert_close(begun.trained.state_dict()[name], weights, atol=1e-3, rtol=1e-3)  # half precision
    other = next(each for each in MEL_LOSSES if each != kind)
    with pytest.raises(SettingError, match=r"differs in mel_decoder\.model_type"):
        build_mel(other, {"start": str(folder)})
    for part, field, value in (("fusion", "text_space", "moods"), ("mel_decoder", "dim", 999)):
        changed = shutil.copytree(folder, tmp_path / part)
        config = changed / part / "config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), field: value}))
        with pytest.raises((SettingError, CheckpointError)):
            build_mel(kind, {"start": str(changed)})


def test_a_start_that_is_no_art2music_is_refused(build_mel, pocket_like):
    with pytest.raises(SettingError, match="which is no model that reads comments"):
        build_mel("bilstm", {"start": str(pocket_like)})
    with pytest.raises(SettingError, match="no model that reads comments 'poket'; expected one of art2music"):
        build_mel("bilstm", {"start": "poket"})


def test_a_start_with_another_codec_is_refused(build_mel, mel_parts, tmp_path: Path):
    folder = shutil.copytree(mel_parts, tmp_path / "start")
    build_mel("diffusion").export(folder)
    shutil.rmtree(folder / "codec_encoder")  # shipped checkpoints have none
    build_mel("diffusion", {"start": str(folder)})
    config = folder / "codec_decoder/config.json"
    config.write_text(config.read_text() + "\n")
    with pytest.raises(SettingError, match="differs in codec"):
        build_mel("diffusion", {"start": str(folder)})


def test_the_loss_of_denoising_is_that_of_the_velocity(build_mel):
    objective = build_mel("diffusion").eval()
    batch = objective.batch(Draw(np.random.default_rng(1), 3))
    loss, terms = objective(batch)
    target, learning = batch.target, objective.learning
    share = learning.levels.alphas_cumprod[target.t][:, None, None, None]
    noisy = share.sqrt() * target.latent + (1 - share).sqrt() * target.noise
    velocity = share.sqrt() * target.noise - (1 - share).sqrt() * target.latent
    metre = metre_channels(target.plan, 21).mT
    played = torch.stack([target.plan.key, target.plan.band])
    made = learning.network(noisy[..., 0].mT, target.t / 1000, objective.fused(batch).values, metre, played)
    torch.testing.assert_close(terms["mel"], F.mse_loss(made.mT, velocity[..., 0]))
    torch.testing.assert_close(loss, terms["mel"] + 0.1 * (terms["tempo"] + terms["key"] + terms["band"]))


def test_guidance_that_is_learnt_moves_the_target_away_from_the_neutral_prediction(build_mel):
    objective = build_mel("diffusion", {"guided": 0.4})
    torch.nn.init.normal_(objective.learning.network.leave.weight)  # zeros at first: all predictions are alike
    batch = objective.batch(Draw(np.random.default_rng(1), 3))
    learnt, plain = (objective.train(training)(batch)[1]["mel"] for training in (True, False))
    target, learning, fused = batch.target, objective.learning, objective.fused(batch)
    noisy = learning.levels.noised(target.latent, target.noise, target.t)
    denoiser = MelDenoiser(learning.network, 1000)
    made = denoiser(noisy, target.t, Condition(fused.values[:, None], plan=target.plan))
    free = denoiser(noisy, target.t, Condition(fused.neutral.expand(3, -1)[:, None]))
    moved = learning.levels.target(target.latent, target.noise, target.t) + 0.4 * (made - free)
    torch.testing.assert_close(learnt, F.mse_loss(made, moved))
    assert abs(learnt - plain) > 1e-3


def test_some_comments_are_drawn_and_their_mean_is_taken(build_mel):
    comments = build_mel("bilstm").comments
    one = {text: Letters().encode([text]).values[0] for told in COMMENTS for text in told}
    assert len(comments.vectors) == 6  # each different one once, none that is blank
    rows = np.array([4] * 50)
    drawn, has = comments.drawn(Draw(np.random.default_rng(0), 50), rows, all_of_them=False)
    assert has.all()
    three = [one[text] for text in COMMENTS[4]]
    subsets = [torch.stack(three)[[*some]].mean(0) for some in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2))]
    found = torch.cdist(drawn, torch.stack(subsets))
    assert (found.amin(1) < 0.01).all()
    assert set(found.argmin(1).tolist()) == set(range(7))
    values, has = comments.drawn(Draw(np.random.default_rng(0), 3), np.array([2, 1, 4]), all_of_them=True)
    assert has.tolist() == [False, True, True]
    torch.testing.assert_close(values[1], one["loud  and\nred"])
    torch.testing.assert_close(values[2], subsets[-1])


def test_neutral_embeddings_stand_for_what_is_dropped(build_mel):
    objective = build_mel("bilstm", {"drop": 0.2, "drop_text": 0.3, "drop_image": 0.1})
    rows, shares = np.array([0, 0, 0, 0, 2]), np.array([0.19, 0.49, 0.59, 0.61, 0.61])
    batch = objective._batch(Draw(np.random.default_rng(0), 5), rows, shares)
    assert batch.told.tolist() == [False, False, True, True, False]
    assert batch.shown.tolist() == [False, True, False, True, True]
    fusion = objective.fusion
    torch.nn.init.normal_(fusion.neutral_text)
    torch.nn.init.normal_(fusion.neutral_image)
    fused = objective.fused(batch)
    torch.testing.assert_close(fused.neutral, fusion(fusion.neutral_text[None], fusion.neutral_image[None]))
    torch.testing.assert_close(fused.values[0], fused.neutral[0])
    torch.testing.assert_close(fused.values[3], fusion(batch.text, batch.image)[3])
    torch.testing.assert_close(fused.values[4], fusion(fusion.neutral_text[None], batch.image[4:])[0])


@pytest.mark.parametrize("kind", MEL_LOSSES)
def test_the_parts_of_all_processes_are_the_whole_batch(build_mel, kind):
    objective = build_mel(kind)
    batches = [
        objective.batch(Draw(np.random.default_rng(3), 4, rank, count)) for rank, count in ((0, 1), (0, 2), (1, 2))
    ]
    for name in ("text", "image", "told", "shown"):
        whole, *parts = (getattr(batch, name) for batch in batches)
        assert torch.equal(torch.cat(parts), whole), name
    for name in ("mel",) if kind == "bilstm" else ("latent", "noise", "t"):
        whole, *parts = (getattr(batch.target, name) for batch in batches)
        assert torch.equal(torch.cat(parts), whole), name


def test_the_plan_model_has_the_spread_of_what_it_does_not_read(build_mel, tmp_path):
    objective = build_mel("diffusion")
    torch.nn.init.zeros_(objective.learning.plan_model.reading.weight)
    objective.export(tmp_path)
    tempos = [pair.tempo for pair in objective.data.pairs[:4] if pair.tempo]
    assert read_config(tmp_path, "plan_model")["spread"] == pytest.approx(np.log2(tempos).std(), rel=1e-4)


def test_changed_comments_are_other_parts(build_mel, commented, mel_parts, mel_config, tmp_path):
    rows = read_manifest(commented)
    folder = shutil.copytree(commented, tmp_path / "pairs")
    write_manifest(folder, [replace(rows[0], comments=("other",)), *rows[1:]])
    one, other = (
        stage_builder(mel_config("bilstm"), data, mel_parts)().parts()["texts"] for data in (commented, folder)
    )
    assert one["text_encoder"] == other["text_encoder"]
    assert one["comments"] != other["comments"]


def test_what_cannot_be_trained_is_refused(build_mel, pairs, mel_parts, mel_config, tmp_path):
    with pytest.raises(DatasetError, match=r"no pair in .* has comments"):
        stage_builder(mel_config("bilstm"), pairs, mel_parts)()
    with pytest.raises(SettingError, match="1 or more together"):
        build_mel("bilstm", {"drop": 0.5, "drop_text": 0.5})
    shutil.copytree(mel_parts / "image_encoder", tmp_path / "image_encoder")
    with pytest.raises(SettingError, match="no text encoder"):
        build_mel("bilstm", {"text_encoder": str(tmp_path)})
    with pytest.raises(SettingError, match="model_type 'mamba'"):
        build_mel("bilstm", model={"fusion": {"dim": 5}, "mel_decoder": {"model_type": "mamba"}})
    with pytest.raises(SettingError, match="lacks 'scheduler'"):
        build_mel("diffusion", model={"fusion": {"dim": 5}, "mel_decoder": {"model_type": "diffusion"}})
