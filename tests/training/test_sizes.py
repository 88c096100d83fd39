"""Sizes come from the configuration that was given and from the checkpoint, and from nowhere else."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from art2mus_core.checkpoints.folder import read_config, weights_file
from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.checkpoints.tensors import read_metadata
from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.encoders.efficientnet import TRAITS
from art2mus_core.errors import Art2MusError, CheckpointError, DatasetError, SettingError
from art2mus_core.pipelines import load
from art2mus_core.training.batches import Draw
from art2mus_core.training.config import MelFields, TrainingConfig
from art2mus_core.training.loop import train
from art2mus_core.training.stages import stage_builder

from .conftest import DIM

OWN = MelFields(
    sample_rate=8000, hop=100, mel_bins=40, scale="semitone", lowest=36, highest=0, windows=[2048, 512], floor=1e-4
)
"""A mel that is the packaged one in nothing."""


def draw() -> Draw:
    return Draw(np.random.default_rng(0), 2)


def test_artworks_are_seen_at_the_size_of_the_encoder(pairs: Path, tiny, write_eye, tmp_path: Path):
    """The encoder is the checkpoint's; a training changes neither its size nor what it says of its origin."""
    for size in (35, 97):
        write_eye(tmp_path / str(size), dim=DIM, size=size)
    config, folder = tiny("embedding", steps=1), tmp_path / "97"
    objective, _ = train(stage_builder(config, pairs, folder), config, tmp_path / "run")
    assert objective.batch(draw()).seen.shape == (2, TRAITS)
    other = stage_builder(config, pairs, tmp_path / "35")()
    assert (objective.seen.shape, other.seen.shape) == ((7, TRAITS), (7, TRAITS))
    told = read_metadata(weights_file(folder, "image_encoder"))
    objective.export(folder)
    assert read_config(folder, "image_encoder")["size"] == 97
    assert (
        read_metadata(weights_file(folder, "image_encoder"))
        == told
        == {"source": "a random network", "licence": "CC0-1.0"}
    )


def test_a_mel_of_ones_own_goes_through_every_stage(pairs: Path, tiny, eye: Path, tmp_path: Path):
    """It is given once or twice, recorded, and read from the checkpoint from then on."""
    folder, model = shutil.copytree(eye, tmp_path / "own"), dict(tiny("embedding").model)
    model["audio"] = {**model["audio"], "bins": 40, "floor": float(np.log(1e-4))}
    stages = {
        "embedding": tiny("embedding", mel=OWN, model=model, steps=1),
        "vae": tiny("vae", mel=None, steps=1),
        "vocoder": tiny("vocoder", steps=1),
        "prior": tiny("prior", steps=1),
        "aligner": tiny("aligner", steps=1),
    }
    for stage, config in stages.items():
        objective, _ = train(stage_builder(config, pairs, folder), config, tmp_path / stage)
        assert (objective.data.grid.sample_rate, objective.data.grid.mel_bins) == (8000, 40), stage
        objective.export(folder)
        if stage in {"vae", "vocoder"}:
            mel = json.loads((folder / stage / "config.json").read_text())["mel"]
            assert MelFields(**mel) == OWN
    grid = read_grid(folder)
    assert (grid.hop, grid.windows, grid.latent_rows) == (100, (2048, 512), 5)
    (waveform,) = load(str(folder)).compose([_painting()], seconds=1.0, steps=2)
    assert (waveform.sample_rate, waveform.samples.shape) == (8000, (1, 1, 8000))


def _painting():
    from art2mus_core.datasets.synthetic.painting import paint

    return paint(3)


def refused(build, error: type[Art2MusError], told: str) -> None:
    with pytest.raises(error, match=told) as found:
        build()
    assert "\n" not in str(found.value)


def test_a_mel_that_contradicts_the_checkpoint_is_refused(pairs: Path, trained: Path, tiny):
    for stage in ("embedding", "vae", "vocoder", "prior", "aligner"):
        config = tiny(stage, mel=OWN)
        refused(stage_builder(config, pairs, trained), SettingError, "sample_rate 8000.*sample_rate 16000")


def test_a_first_stage_without_a_mel_is_refused(pairs: Path, tiny, tmp_path: Path):
    for stage in ("embedding", "vae"):
        refused(stage_builder(tiny(stage, mel=None), pairs, tmp_path / "new"), SettingError, "without a mel")


@pytest.mark.parametrize(
    ("name", "error", "first"),
    [
        ("vocoder", SettingError, "vae"),
        ("prior", CheckpointError, "vae"),
        ("art2music", SettingError, "art2music-codec"),
    ],
)
def test_a_later_stage_in_an_empty_folder_is_told_the_first(  # noqa: PLR0917
    pairs: Path, tiny, tmp_path: Path, name: str, error: type[Art2MusError], first: str
):
    refused(stage_builder(tiny(name), pairs, tmp_path / "new"), error, f"art2mus train {first} --data DATA --out ")


@pytest.mark.parametrize(
    ("stage", "change", "told"),
    [
        ("embedding", {"audio": {"bins": 80}}, "bins 80; expected bins 96"),
        ("embedding", {"audio": {"dim": 12}}, "dim 12; expected dim 13"),
        ("embedding", {"audio": {"space": "other"}}, "space other; expected space tiny"),
        ("embedding", {"audio": None}, "is invalid"),
        ("vae", {"in_channels": 2}, "2 in_channels and 1 out_channels"),
        (
            "vae",
            {"block_out_channels": [2] * 7, "down_block_types": ["DownEncoderBlock2D"] * 7},
            "up_block_types|96 mel",
        ),
        ("vae", {"latent_channels": "five"}, "latent_channels 'five'; expected a whole number"),
        ("vocoder", {"width": None}, "is invalid"),
        ("prior", {"unet": {"in_channels": 4}}, "in_channels of 4"),
        ("prior", {"projection_model": {"width": 9}}, "width 9; expected width 10"),
        ("prior", {"projection_model": {"space": "other"}}, "space other; expected space tiny"),
        ("prior", {"language_model": {"n_embd": None}}, "n_embd None"),
        ("aligner", {"dim": 12}, "dim 12; expected dim 13"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_in_words(  # noqa: PLR0917
    pairs: Path, trained: Path, tiny, stage: str, change: dict[str, Any], told: str
):
    model = dict(tiny(stage).model)
    for name, value in change.items():
        model[name] = {**model[name], **value} if isinstance(value, dict) else value
    refused(stage_builder(tiny(stage, model=model), pairs, trained), Art2MusError, told)


@pytest.mark.parametrize("stage", ["embedding", "vae", "vocoder", "prior", "aligner"])
def test_options_that_are_missing_or_unknown_are_refused_in_words(pairs: Path, trained: Path, tiny, stage: str):
    options = {name: value for name, value in tiny(stage).options.items() if name != "crop"}
    for wrong, told in ((options, "crop"), ({**options, "crop": 7, "crops": 7}, "crops")):
        config = tiny(stage).model_copy(update={"options": wrong})
        refused(stage_builder(config, pairs, trained), SettingError, told)


@pytest.mark.parametrize("stage", ["embedding", "vae", "vocoder", "prior", "aligner"])
def test_pairs_without_a_split_to_train_or_validate_on(pairs: Path, trained: Path, tiny, stage: str, tmp_path: Path):
    data = tmp_path / "data"
    for name in ("artworks", "music"):
        shutil.copytree(pairs / name, data / name)
    rows = read_manifest(pairs)
    write_manifest(data, [replace(pair, split="train") for pair in rows])
    _, history = train(stage_builder(tiny(stage, steps=2), data, trained), tiny(stage, steps=2), tmp_path / "run")
    assert [name for row in history for name in row if name.startswith("validation")] == []
    write_manifest(data, [replace(pair, split="test") for pair in rows])
    refused(stage_builder(tiny(stage), data, trained), DatasetError, "no training pairs")


def test_a_state_of_another_mel_is_refused(pairs: Path, tiny, tmp_path: Path):
    train(stage_builder(tiny("vae", steps=1), pairs, tmp_path / "one"), tiny("vae", steps=1), tmp_path / "run")
    other = tiny("vae", mel=OWN.model_copy(update={"mel_bins": 96, "lowest": 24.0}), steps=2)
    with pytest.raises(CheckpointError, match="mel"):
        train(stage_builder(other, pairs, tmp_path / "two"), other, tmp_path / "run")


def test_the_packaged_stages_that_begin_a_checkpoint_agree_on_the_mel():
    assert TrainingConfig.load("embedding").mel == TrainingConfig.load("vae").mel is not None
