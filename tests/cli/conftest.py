from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.cli import main
from art2mus_core.datasets.manifest import Pair, write_manifest
from art2mus_core.types import Waveform


@pytest.fixture
def art2mus(capsys, monkeypatch, tmp_path, pocket_like):
    """Runs a command in an empty folder; returns exit code, standard output and standard error."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path / "home"))

    def run(*arguments, model=pocket_like):
        chosen = ("--model", str(model)) if model else ()
        with pytest.raises(SystemExit) as leaving:
            main([*map(str, arguments), *chosen])
        said = capsys.readouterr()
        return leaving.value.code, said.out, said.err

    return run


@pytest.fixture(scope="session")
def small_pairs(tmp_path_factory) -> Path:
    """Five pairs, three of them to train on, of music under two licences. Not to be written to."""
    folder, rng, rows = tmp_path_factory.mktemp("small-pairs"), np.random.default_rng(0), []
    for number in range(5):
        Image.fromarray(rng.integers(256, size=(21, 34, 3), dtype=np.uint8)).save(folder / f"{number}.png")
        sound = torch.from_numpy(rng.uniform(-0.5, 0.5, (1, 1, 16000))).float()
        write_audio(folder / f"{number}.flac", Waveform(sound, 8000), tags={}, cover=None)
        files = (f"{number}.png", f"{number}" * 64, f"{number}.flac", 2.0, 8000)
        licence = "CC0-1.0" if number == 1 else "CC-BY-4.0"
        rows.append(Pair(str(number), "train" if number < 3 else "validation", *files, source="test", licence=licence))
    write_manifest(folder, rows)
    return folder


@pytest.fixture(scope="session")
def small_yaml(tmp_path_factory) -> Path:
    """The configuration of a small aligner. Not to be written to."""
    path = tmp_path_factory.mktemp("small") / "small.yaml"
    everyday = {"steps": 9, "batch": 2, "learning_rate": 0.01, "ema": 0.5, "precision": "no"}
    sizes = {"model": {"hidden": 13, "tokens": 3}, "options": {"name": "mine", "crop": 7, "licence": "CC-BY-4.0"}}
    path.write_text(yaml.safe_dump({"stage": "aligner", **everyday, **sizes}), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory, small_pairs: Path, small_yaml: Path, pocket_like: Path) -> Path:
    """A run of two steps, and beside it its prior with the aligner in it. Not to be written to."""
    folder = tmp_path_factory.mktemp("trained")
    data, prior = shutil.copytree(small_pairs, folder / "data"), shutil.copytree(pocket_like, folder / "prior")
    where = ("--data", data, "--out", prior, "--run", folder / "my run")
    with pytest.raises(SystemExit) as leaving:
        main([str(each) for each in ("train", small_yaml, *where, "--set", "steps=2")])
    assert leaving.value.code == 0
    shutil.rmtree(data)  # an export needs no dataset
    return folder
