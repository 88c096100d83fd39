"""What every command does with the places that a person names: the table of commands has no exception to it."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path

import pytest
import torch
import yaml

from art2mus_core.cli.app import COMMANDS, command
from art2mus_core.encoders import imagebind_files
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.listening.material import read_levels
from art2mus_core.listening.study import open_study

from ..evaluation.conftest import write
from ..rating.endpoint import answering
from .saying import one_line, written
from .test_convert import SMALL

QUICK = ("--seconds", "1", "--steps", "1")


def compose(art2mus, new, paintings, *options):
    return art2mus("compose", paintings / "dawn.png", "-o", new / "a.flac", *QUICK, *options)


def look(art2mus, new, paintings, *options):
    return art2mus("look", paintings / "dawn.png", new / "a.png", "--seconds", "1", *options)


def gallery(art2mus, new, paintings, *options):
    return art2mus("gallery", "music", new / "a.html", "--artworks", paintings, *options, model=None)


def score(art2mus, new, paintings, *options):
    chosen = ("--artworks", paintings, "--out", new / "a.html", "--resamples", "100")
    return art2mus("score", "music", *chosen, *options, model=None)


def rate(art2mus, new, paintings, *options):
    with answering() as server:
        chosen = ("--artworks", paintings, "--endpoint", server.url, "--yes", "--out", new / "a.json")
        return art2mus("rate", "music", *chosen, *options, model="m")


def calibrate(art2mus, new, paintings, *options):
    return art2mus("calibrate", new, "--count", "2", "--workers", "1", *options, model=None)


def convert(art2mus, new, paintings, *options):
    return art2mus("convert", "huge.pth", "--out", new, "--towers", "vision", *options, model=None)


def export_text(art2mus, new, paintings, *options):
    return art2mus("export-text", "talking", "--support", "A dance", "--name", "dance", *options, model=None)


def export(art2mus, new, paintings, *options):
    return art2mus("export", "run", "--out", new / "a.safetensors", *options, model=None)


FILES = {
    compose: ["new/deep/a.flac"],
    look: ["new/deep/a.png"],
    gallery: ["new/deep/a.html"],
    score: ["new/deep/a.html", "new/deep/a.json"],
    rate: ["new/deep/a.json"],
    calibrate: ["new/deep/character.json", "new/deep/statistics.json"],
    convert: ["new/deep/image_encoder/config.json", "new/deep/image_encoder/model.safetensors"],
    export: ["new/deep/a.md", "new/deep/a.safetensors"],
    export_text: ["../home/talking/constants/dance.safetensors"],
}
"""Commands that write files by their names, and the files."""

GO_ON = {"evaluate", "listen", "fetch", "fit_affect", "fit_words", "prepare", "synthesize", "train"}
"""Commands that go on with what they find in their place."""

TELL = {"compare", "models", "doctor", "heads"}
"""Commands that write no file."""


@pytest.fixture
def material(  # noqa: PLR0917
    paintings, tmp_path, art2mus, monkeypatch, talking_like, trained_run
):
    """What there is to be looked at, heard and converted."""
    for number, name in enumerate(("dawn", "dusk", "noon")):
        tone = torch.sin(torch.arange(32_000) * (0.1 + 0.05 * number)).numpy()
        write(Path("music/mine") / f"{name}.flac", 0.3 * tone, 16_000)
    monkeypatch.setattr(imagebind_files, "HUGE", SMALL)
    weights = imagebind_files.TOWERS["vision"](SMALL["vision"]).state_dict()
    named = {imagebind_files.published_key("vision", key): torch.zeros(v.shape) for key, v in weights.items()}
    torch.save(named, "huge.pth")
    shutil.copytree(talking_like, tmp_path / "home" / "talking")
    shutil.copytree(trained_run / "my run", "run")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return paintings


def test_every_command_is_in_one_of_the_tables():
    named, own = [each.__name__ for each in FILES], [name for name in COMMANDS if name != "dataset"]
    assert sorted([*named, *GO_ON, *TELL]) == sorted(own)
    asked = {name for name in own if "no_replace" in inspect.signature(command(name)).parameters}
    assert asked == set(named)


@pytest.mark.parametrize(("command", "files"), FILES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_folders_are_made_and_what_is_replaced_is_told_or_left(art2mus, material, command, files):
    new = Path("new/deep")
    code, out, err = command(art2mus, new, material)
    assert (code, err) == (0, "")
    assert "replaced" not in out
    assert [path for path in written() if path.startswith("new")] == [file for file in files if file.startswith("new")]
    code, out, err = command(art2mus, new, material)
    assert (code, err) == (0, "")
    told = {Path(line.removeprefix("replaced ")).resolve() for line in out.splitlines() if line.startswith("replaced")}
    assert told == {Path(file).resolve() for file in files}
    for file in files:
        Path(file).write_bytes(b"mine")
    code, out, err = command(art2mus, new, material, "--no-replace")
    assert code == 2
    assert one_line(err)
    assert "already exist" in err
    assert any(file in err or Path(file).name in err for file in files)
    assert {Path(file).read_bytes() for file in files} == {b"mine"}


@pytest.mark.parametrize("command", [compose, look, gallery, score, rate, calibrate], ids=lambda each: each.__name__)
def test_a_file_where_a_folder_is_needed_is_one_line(art2mus, material, command):
    Path("new").write_bytes(b"mine")
    code, _, err = command(art2mus, Path("new/deep"), material)
    assert code == 2
    assert one_line(err)
    assert "new is a file" in err
    assert Path("new").read_bytes() == b"mine"


def test_a_folder_to_go_on_with_is_made(art2mus, material, pocket_like):
    assert art2mus("synthesize", "new/pairs", "--count", "3", "--workers", "1", model=None)[0] == 0
    systems = {"ours": {"kind": "artwork", "model": str(pocket_like), "steps": 1}}
    config = {"artworks": [{"folder": str(material)}], "seconds": 2, "systems": systems, "metrics": {"resamples": 100}}
    Path("study.yaml").write_text(yaml.safe_dump(config))
    code, _, err = art2mus("evaluate", "study.yaml", "--out", "new/deep/study", model=None)
    assert (code, err) == (0, "")
    assert Path("new/deep/study/report.html").is_file()


def test_answers_of_listeners_make_their_folder(material):
    collection = read_collection(Path("music"), artworks=material)
    store, _ = open_study(Path("new/deep/answers.sqlite"), *read_levels(collection), {"rounds": 1})
    store.close()
    assert Path("new/deep/answers.sqlite").is_file()


@pytest.mark.parametrize("command", ["calibrate", "synthesize"])
def test_no_processes_are_refused(art2mus, command):
    code, out, err = art2mus(command, "new/pairs", "--count", "2", "--workers", "0", model=None)
    assert (code, out) == (2, "")
    assert "--workers" in err
    assert not Path("new").exists()
