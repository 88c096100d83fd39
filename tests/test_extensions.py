"""The changes that docs/ARCHITECTURE.md lists take a file and a row: one is made here and used from end to end."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from torch import nn

from art2mus_core.aligners.files import read_header
from art2mus_core.audio.files import write_audio
from art2mus_core.checkpoints.folder import save_component
from art2mus_core.cli import main
from art2mus_core.datasets.manifest import Pair
from art2mus_core.datasets.reading import READERS, read_pairs
from art2mus_core.encoders.files import IMAGE_ENCODERS
from art2mus_core.errors import DatasetError
from art2mus_core.evaluation.config import EvaluationConfig
from art2mus_core.evaluation.gathering import gather_artworks
from art2mus_core.types import Artwork, Embedding, Waveform

from .conftest import write_checkpoint

SYSTEMS = {"real": {"kind": "reference"}}
COLUMNS = ("id", "split", "artwork", "artwork_sha256", "music", "seconds")


def read_table(folder: Path) -> list[Pair]:
    """A reader of `pairs.csv`."""
    with (folder / "pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Pair(**{**row, "seconds": float(row["seconds"])}, sample_rate=8000, source="csv", licence="CC0-1.0")
        for row in rows
    ]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five pairs in a format of its own, which a row makes known: three to train on, two to validate with."""
    folder, rng = tmp_path / "table", np.random.default_rng(0)
    folder.mkdir()
    lines = [COLUMNS]
    for number in range(5):
        Image.fromarray(rng.integers(256, size=(21, 34, 3), dtype=np.uint8)).save(folder / f"{number}.png")
        sound = torch.from_numpy(rng.uniform(-0.5, 0.5, (1, 1, 16000)))
        write_audio(folder / f"{number}.flac", Waveform(sound.float(), 8000), tags={}, cover=None)
        split = "train" if number < 3 else "validation"
        lines.append((str(number), split, f"{number}.png", f"{number}" * 64, f"{number}.flac", "2.0"))
    (folder / "pairs.csv").write_text("\n".join(map(",".join, lines)), encoding="utf-8")
    monkeypatch.setitem(READERS, "pairs.csv", read_table)
    return folder


class MeanColour(nn.Module):
    """An image encoder: the mean colour, turned by a matrix."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.space = config["space"]
        self.turn = nn.Linear(3, config["dim"])

    def encode(self, artworks: list[Artwork]) -> Embedding:
        means = torch.stack([artwork.pixels.float().mean((1, 2)) / 255 for artwork in artworks])
        return Embedding(self.turn(means.to(self.turn.weight)), self.space)


@pytest.fixture
def colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint of a new image encoder, which a row makes known."""
    config = {"model_type": "colours", "dim": 11, "space": "colours"}
    save_component(tmp_path / "colours", "image_encoder", MeanColour(config), config, half=True)
    monkeypatch.setitem(IMAGE_ENCODERS, "colours", type(IMAGE_ENCODERS["pocket"])(MeanColour))
    return tmp_path / "colours"


def test_an_image_encoder_and_a_dataset_reader_are_a_file_and_a_row(
    table: Path, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An aligner for the new encoder is trained on the new format and composes for its artworks, from the command line."""
    monkeypatch.chdir(tmp_path)
    prior = write_checkpoint(tmp_path / "prior", published=False)
    options = {"name": "mine", "encoder": str(colours), "crop": 7}
    everyday = {"steps": 2, "batch": 2, "learning_rate": 0.01, "ema": 0.5, "precision": "no"}
    training = {"stage": "aligner", **everyday, "model": {"hidden": 13, "tokens": 3}, "options": options}
    Path("training.yaml").write_text(yaml.safe_dump(training), encoding="utf-8")
    run("train", "training.yaml", "--data", table, "--out", prior)
    assert read_header(prior / "aligner" / "mine.safetensors").space == "colours"
    assert (tmp_path / "prior-runs" / "training" / "checkpoints" / "0000002" / "complete.json").is_file()
    source = {"dataset": str(table), "split": "validation", "count": 2}
    Path("study.yaml").write_text(yaml.safe_dump({"artworks": [source], "systems": SYSTEMS}), encoding="utf-8")
    found = gather_artworks(EvaluationConfig.load("study.yaml"))
    pictures = [subject.picture for subject in found.values()]
    chosen = ("--model", prior, "--encoder", colours, "--aligner", "mine", "--steps", 2, "--seconds", 1)
    run("compose", *pictures, *chosen, "--out", "music")
    assert len([*Path("music").glob("*.flac")]) == len(pictures) == 2


def test_a_dataset_without_a_known_file_is_refused(table: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(READERS, "pairs.csv")
    with pytest.raises(DatasetError, match=r"or manifest\.parquet in"):
        read_pairs(table)


@pytest.mark.parametrize(("column", "value"), [("split", "tset"), ("music", "../outside.flac")])
def test_every_reader_is_checked(table: Path, column: str, value: str):
    path = table / "pairs.csv"
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    rows[1][COLUMNS.index(column)] = value
    path.write_text("\n".join(map(",".join, rows)), encoding="utf-8")
    with pytest.raises(DatasetError, match=value):
        read_pairs(table)


def run(*arguments: object) -> None:
    """A command that must succeed."""
    with pytest.raises(SystemExit) as leaving:
        main([*map(str, arguments)])
    assert leaving.value.code == 0
