from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from art2mus_core.cli import main
from art2mus_core.encoders import imagebind_files
from art2mus_core.encoders.imagebind import TOWERS
from art2mus_core.encoders.imagebind_files import HUGE, published_key

from ..art2music_files import write_published

SMALL = {
    "vision": {**HUGE["vision"], "size": 15, "patch": 5, "width": 21, "layers": 1, "heads": 3, "hidden": 29, "dim": 11},
    "audio": {**HUGE["audio"], "bins": 23, "frames": 31, "width": 10, "layers": 1, "heads": 2, "hidden": 17, "dim": 11},
}


@pytest.fixture
def art2mus(capsys, monkeypatch, tmp_path):
    """Runs `art2mus convert` where the published towers are small; returns exit code, output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(imagebind_files, "HUGE", SMALL)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as leaving:
            main(["convert", *arguments])
        said = capsys.readouterr()
        return leaving.value.code, said.out, said.err

    return run


@pytest.fixture
def weights(tmp_path: Path) -> str:
    content = {}
    for name, tower in TOWERS.items():
        for key, value in tower(SMALL[name]).state_dict().items():
            content[published_key(name, key)] = torch.zeros(value.shape)
    torch.save(content, tmp_path / "imagebind_huge.pth")
    return "imagebind_huge.pth"


def made(folder: str | Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())


BOTH = [f"{part}_encoder/{file}" for part in ("audio", "image") for file in ("config.json", "model.safetensors")]


def test_the_published_file_becomes_two_components(art2mus, weights: str):
    code, out, err = art2mus(weights, "-o", "here")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == [
        str(Path("here/image_encoder")),
        str(Path("here/audio_encoder")),
    ]
    assert made("here") == BOTH


def test_it_goes_home_if_no_place_is_named(art2mus, weights: str, tmp_path: Path):
    assert art2mus(weights)[0] == 0
    assert made(tmp_path / "home" / "imagebind") == BOTH


def test_one_tower_in_full_precision(art2mus, weights: str):
    art2mus(weights, "-o", "half", "--towers", "vision")
    art2mus(weights, "-o", "full", "--towers", " vision, ", "--precision", "float32")
    assert made("half") == made("full") == BOTH[2:]
    half, full = (Path(name, "image_encoder", "model.safetensors").stat().st_size for name in ("half", "full"))
    assert full > 1.5 * half


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.pth"], "none.pth does not exist"),
        (["imagebind_huge.pth", "--towers", "text"], "vision or audio"),
        (["imagebind_huge.pth", "--towers", ""], "'none'"),
        (["imagebind_huge.pth", "--precision", "float8"], "float16 or float32"),
        (["imagebind_huge.pth", "-o", "imagebind_huge.pth"], "is a file"),
        ([], "FILE"),
    ],
)
def test_a_mistake_is_one_line(art2mus, weights: str, arguments: list[str], told: str):
    code, out, err = art2mus(*arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert made(".") == ["imagebind_huge.pth"]


@pytest.fixture
def art2music(tmp_path: Path) -> list[str]:
    """Arguments that convert Art2Music's files, here with the header of a CLIP."""
    write_published(tmp_path)
    clip = tmp_path / "home" / "clip-vit-h-14"
    clip.mkdir(parents=True)
    (clip / "config.json").write_text('{"model_type": "clip"}')
    save_file({"visual_projection.weight": torch.ones(11, 5)}, clip / "model.safetensors")
    return [
        "decoder.pth",
        "-o",
        "out",
        "--fusion",
        "fusion.pth",
        "--vocoder",
        "g_02500000",
        "--normalisation",
        "none",
    ]


def test_the_files_of_art2music_become_a_model(art2mus, art2music: list[str]):
    code, out, err = art2mus(*art2music)
    assert (code, err) == (0, "")
    assert out.split() == [str(Path("out", name)) for name in ("fusion", "mel_decoder", "vocoder")]
    told = json.loads(Path("out/fusion/config.json").read_text())
    assert told["text_space"].startswith("clip-11-")
    assert json.loads(Path("out/mel_decoder/config.json").read_text())["normalisation"] == {"name": "none"}
    code, _, err = art2mus(*art2music, "--no-replace")
    assert code == 2
    assert "model_index.json" in err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda given: [*given[:3], *given[5:]], "the published notebook neither trains nor saves them"),
        (lambda given: given[:5], "without --vocoder, --normalisation"),
        (lambda given: [*given, "--normalisation", "range:1"], "the mel normalisation 'range:1'"),
        (lambda given: [*given, "--encoder", "clip-b"], "clip-b"),
        (lambda given: ["fusion.pth", *given[1:]], "a file with Art2Music's mel decoder"),
    ],
)
def test_what_is_missing_of_art2music_is_told_in_one_line(art2mus, art2music: list[str], change, told: str):
    code, out, err = art2mus(*change(art2music))
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert not Path("out").exists()
