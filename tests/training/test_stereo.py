"""All stages at once in stereo and with a plan, and music of what they trained."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.mel import MelTransform
from art2mus_core.audio.reading import read_audio
from art2mus_core.checkpoints.folder import load_component, read_config
from art2mus_core.conditioning.plan import PlanModel
from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.diffusion.plan import CHANNELS as PLAN
from art2mus_core.errors import DatasetError
from art2mus_core.images.reading import read_artwork
from art2mus_core.pipelines import load
from art2mus_core.training.batches import Draw
from art2mus_core.training.features.dataset import Dataset
from art2mus_core.training.stages import stage_builder
from art2mus_core.types import Waveform

from .conftest import MODELS, STAGES


def model_of(stage: str) -> dict[str, object]:
    """The tiny model of a stage, in stereo and with a plan."""
    model = dict(MODELS.get(stage, {}))
    if stage == "vae":
        model |= {"in_channels": 2, "out_channels": 2}
    if stage == "vocoder":
        model |= {"channels": 2}
    if stage == "prior":
        unet = model["unet"]
        model["unet"] = {**unet, "in_channels": unet["in_channels"] + PLAN}
    return model


@pytest.fixture(scope="module")
def stereo(train_stage, tiny, eye: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shutil.copytree(eye, tmp_path_factory.mktemp("stereo") / "checkpoint")
    for stage in STAGES:
        config = tiny(stage, model=model_of(stage))
        train_stage(config, folder, folder.parent / stage)[0].export(folder)
    return folder


def test_a_stereo_checkpoint_with_a_plan_composes(stereo: Path, pairs: Path):
    pipeline = load(str(stereo))
    artworks = [read_artwork(pairs / pair.artwork) for pair in read_manifest(pairs)[:2]]
    first, second = pipeline.compose(artworks, seeds=[0, 1], seconds=2.0, steps=2)
    assert first.samples.shape == (1, 2, 2 * first.sample_rate)
    assert not torch.allclose(first.samples[:, 0], first.samples[:, 1], atol=1e-4)
    assert 40 <= first.plan["bpm"] <= 220
    assert first.plan["bpm"] != second.plan["bpm"]
    assert first.plan["key"].split()[1] in {"major", "minor"}
    assert first.plan["band"] in {pair.band for pair in read_manifest(pairs)}
    [again] = pipeline.compose(artworks[1:], seeds=[1], seconds=2.0, steps=2)
    assert again.plan == second.plan


def test_the_plan_model_is_saved_with_the_spread_of_the_music(stereo: Path, pairs: Path):
    config = read_config(stereo, "plan_model")
    octaves = np.log2([pair.tempo for pair in read_manifest(pairs) if pair.split == "train"])
    assert 0 < config["spread"] < 3 * octaves.std() + 1
    model = load_component(stereo, "plan_model", PlanModel.from_config)
    assert model.config == config
    assert model.centres.isfinite().all()
    assert model.centres.any()


def test_a_batch_knows_its_plan(stereo: Path, pairs: Path, tiny):
    objective = stage_builder(tiny("prior", model=model_of("prior")), pairs, stereo)()
    made, rows = read_manifest(pairs), np.array([0, 3])
    batch = objective.noised(Draw(np.random.default_rng(5), 2), rows)
    rate = objective.data.grid.latent_rate
    assert batch.plan.step.tolist() == pytest.approx([made[row].tempo / 60 / rate for row in rows])
    assert batch.plan.key.tolist() == [made[row].key for row in rows]
    assert [objective.plan_model.config["bands"][band] for band in batch.plan.band] == [made[row].band for row in rows]
    assert (
        batch.plan.frames.tolist() == objective.plans.frames[rows].tolist() == objective.latents.lengths[rows].tolist()
    )
    for at, row in enumerate(rows):
        start = int(batch.plan.first[at])
        crop = objective.latents[row][start : start + objective.crop, 0].astype(np.float32)
        crop *= objective.data.grid.latent_scale
        assert np.allclose(batch.latent[at].numpy(), np.moveaxis(crop, 0, 1), atol=1e-5)


def test_pairs_without_a_tempo_are_refused(stereo: Path, pairs: Path, tiny, tmp_path: Path):
    made = read_manifest(pairs)
    folder = shutil.copytree(pairs, tmp_path / "pairs")
    write_manifest(folder, [replace(made[0], tempo=None), *made[1:]])
    with pytest.raises(DatasetError, match="without a tempo, and 0 more"):
        stage_builder(tiny("prior", model=model_of("prior")), folder, stereo)()


def test_more_bands_than_a_plan_has_channels_for_are_refused(stereo: Path, pairs: Path, tiny, tmp_path: Path):
    made = read_manifest(pairs)
    folder = shutil.copytree(pairs, tmp_path / "pairs")
    more = [replace(made[0], id=f"more {number}", band=f"band {number}") for number in range(9)]
    write_manifest(folder, [*made, *more])
    with pytest.raises(DatasetError, match="bands in the manifest"):
        stage_builder(tiny("prior", model=model_of("prior")), folder, stereo)()


def test_each_channel_has_its_own_mel(pairs: Path, tmp_path: Path):
    pair = read_manifest(pairs)[0]
    grid = load("pocket").parts.grid
    left, rate = torch.rand(1, 1, 80 * grid.hop) - 0.5, grid.sample_rate
    sound = Waveform(torch.cat([left, torch.zeros_like(left)], dim=1), rate)
    write_audio(tmp_path / "a.flac", sound, tags={}, cover=None)
    write_manifest(tmp_path, [replace(pair, music="a.flac", seconds=sound.seconds)])
    data = Dataset(tmp_path, grid)
    mel, sound, mono = data.mels(8, 2)[0], data.sounds(2)[0], data.mels(8)[0]
    assert mel.shape[1:] == (2, grid.mel_bins)
    assert mono.shape[1:] == (1, grid.mel_bins)
    assert np.allclose(mel[:, 1], math.log(grid.floor), atol=5e-3)
    expected = MelTransform(grid)(read_audio(tmp_path / "a.flac", rate, mono=False).samples[0])[0].numpy()
    assert np.abs(mel[: len(expected), 0].astype(np.float32) - expected)[5:-5].max() < 5e-3
    assert not sound[:, 1].any()
