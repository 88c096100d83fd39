"""What `art2mus prepare` stores, training reads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.datasets.manifest import Pair, write_manifest
from art2mus_core.training.batches import Draw
from art2mus_core.training.config import TrainingConfig
from art2mus_core.training.features import hearing, looking
from art2mus_core.training.stages import stage_builder
from art2mus_core.types import Waveform

from .saying import one_line


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Seven pairs of noise; the music of one is no music."""
    rng, folder = np.random.default_rng(0), tmp_path / "data"
    folder.mkdir()
    pairs = []
    for number in range(7):
        Image.fromarray(rng.integers(0, 256, (23, 31, 3), np.uint8)).save(folder / f"{number}.png")
        noise = torch.from_numpy(rng.uniform(-0.3, 0.3, (1, 2, 3000 + 100 * number))).float()
        write_audio(folder / f"{number}.wav", Waveform(noise, 1600), tags={}, cover=None)
        names = {"artwork": f"{number}.png", "artwork_sha256": "", "music": f"{number}.wav"}
        length = {"seconds": 1.875 + number / 16, "sample_rate": 1600}
        pairs.append(Pair(id=str(number), split="train", **names, **length, source="noise", licence="CC0-1.0"))
    (folder / "3.wav").write_text("no music", encoding="utf-8")
    write_manifest(folder, pairs)
    return folder


def never(*_: Any, **__: Any) -> None:
    raise AssertionError("a file is read")


OPTIONS = {"crop": 9, "window": "0.5-1.0", "level": 0.5, "sampled": True, "views": 3}
ASKED = ("--window", "0.5-1.0", "--level", 0.5, "--crop", 9, "--views", 3)


def config_of(**options: Any) -> TrainingConfig:
    fields = {"stage": "aligner", "steps": 2, "batch": 2, "learning_rate": 1e-2, "faults": 0.2}
    return TrainingConfig(**fields, model={"hidden": 16, "tokens": 3}, options={**OPTIONS, **options})


def test_training_reads_what_was_prepared(art2mus, data: Path, pocket_like: Path, monkeypatch: pytest.MonkeyPatch):
    code, out, err = art2mus("prepare", data, "--prior", pocket_like, *ASKED, model=None)
    assert (code, err) == (0, "")
    assert "latents, about" in out
    assert "1 of 7 pairs are left out" in out
    assert "AudioError: is not a readable audio file" in out
    monkeypatch.setattr(hearing, "read_audio", never)
    monkeypatch.setattr(looking, "read_artwork", never)
    objective = stage_builder(config_of(), data, pocket_like)()
    assert objective.train_rows.tolist() == [0, 1, 2, 4, 5, 6]
    draws = [Draw(np.random.default_rng(seed), 5) for seed in (0, 0, 1)]
    first, again, other = (objective.noised(draw, np.array([0, 0, 0, 5, 6])) for draw in draws)
    assert first.latent.shape[2] == 9
    assert torch.equal(first.latent, again.latent)
    assert torch.equal(first.embedding.values, again.embedding.values)
    assert not torch.equal(first.latent, other.latent)
    assert not torch.equal(first.embedding.values, other.embedding.values)
    objective.sampled = False
    mean = objective.noised(Draw(np.random.default_rng(0), 5), np.array([0, 0, 0, 5, 6])).latent
    deviation = np.exp(0.5 * objective.latents[0][:, 1].astype(np.float32)).mean() * objective.data.grid.latent_scale
    assert 0.5 < (first.latent - mean)[:3].std().item() / deviation < 2
    with pytest.raises(AssertionError, match="a file is read"):
        stage_builder(config_of(views=4), data, pocket_like)()


def test_the_same_command_again_computes_nothing(art2mus, data: Path, pocket_like: Path):
    asked = ("prepare", data, "--prior", pocket_like, *ASKED)
    first = json.loads(art2mus(*asked, "--json", model=None)[1])
    before = {path: path.read_bytes() for path in (data / "features").rglob("*") if path.is_file()}
    assert json.loads(art2mus(*asked, "--json", model=None)[1]) == first
    assert {path: path.read_bytes() for path in (data / "features").rglob("*") if path.is_file()} == before
    assert (first["pairs"], first["left_out"]) == (7, 1)
    assert [store["stored"] for store in first["stores"]] == [6, 7]
    assert first["faults"][0]["example"] == "3.wav"
    sizes = {store["store"].split("-")[0]: store["bytes"] for store in first["stores"]}
    latents = first["expected"]["latents"]
    assert 0.8 * latents < sizes["music"] < 1.2 * latents + 8000
    assert first["expected"]["artworks"] < sizes["artworks"]


def test_a_file_that_was_repaired_is_tried_again(art2mus, data: Path, pocket_like: Path):
    asked = ("prepare", data, "--prior", pocket_like)
    art2mus(*asked, model=None)
    (data / "3.wav").write_bytes((data / "5.wav").read_bytes())
    assert "1 of 7 pairs are left out" in art2mus(*asked, model=None)[1]
    code, out, _ = art2mus(*asked, "--retry", model=None)
    assert (code, "0 of 7 pairs are left out" in out) == (0, True)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--window", "20-10"), "window '20-10'; expected whole, START-END"),
        (("--level", "2"), "level 2; expected above 0 and at most 1"),
        (("--patches",), "an aligner that uses patches, and"),
        (("--encoder", "imagebond"), "no image encoder 'imagebond'"),
        (("--engine", "rey"), "an engine 'rey'; expected one of local, ray"),
        (("--support", "night"), "no constants 'night'"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_told(art2mus, data: Path, pocket_like: Path, options: tuple[str, ...], told: str):
    code, out, err = art2mus("prepare", data, "--prior", pocket_like, *options, model=None)
    assert code == 2
    assert one_line(err)
    assert told in err
    assert "stored" not in out


def test_a_prior_without_text_constants_is_refused(art2mus, data: Path, own_checkpoint: Path):
    shutil.rmtree(own_checkpoint / "constants")
    code, _, err = art2mus("prepare", data, "--prior", own_checkpoint, model=None)
    assert code == 2
    assert "has no text constants" in err
    assert not (data / "features").exists()
