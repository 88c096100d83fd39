"""`art2mus export`: the aligner of a run as one file with its card, and music composed with it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from art2mus_core.aligners.files import read_header
from art2mus_core.audio.reading import read_audio
from art2mus_core.checkpoints.lora import save_lora
from art2mus_core.checkpoints.names import quoted
from art2mus_core.checkpoints.tensors import save_tensors
from art2mus_core.training.run.card import card_of
from art2mus_core.training.run.documents import RUN
from art2mus_core.training.run.saving import AVERAGE, CHECKPOINTS, newest, read_average

from .saying import one_line, written


@pytest.fixture
def trained(trained_run: Path) -> Path:
    """A run of two steps, and beside it its prior with the aligner in it. Not to be written to."""
    return trained_run


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """The run, to be written to."""
    return shutil.copytree(trained / "my run", tmp_path / "here" / "run")


def test_the_file_is_that_of_the_checkpoint_and_composes_the_same(art2mus, trained: Path, run: Path, paintings: Path):
    code, out, err = art2mus("export", "run", model=None)
    assert (code, err) == (0, "")
    path, card = Path("run/export/run.safetensors"), Path("run/export/README.md")
    lines = out.splitlines()
    assert lines[:2] == [str(path), f"{card}  the model card"]
    assert lines[2] == f"Next: art2mus compose ARTWORK --model {quoted(trained / 'prior')} --aligner {path}"
    assert path.read_bytes() == (trained / "prior" / "aligner" / "mine.safetensors").read_bytes()
    header = read_header(path)
    assert (header.kind, header.tokens, header.encoder, header.prior) == ("visual", 3, "tiny", "prior")
    assert (header.licence, header.run) == ("CC-BY-4.0", "true pairs")
    heard = []
    for name in ("mine", path):
        chosen = ("--aligner", name, "--seconds", 1, "--out", f"{Path(name).stem}.flac")
        code, _, err = art2mus("compose", paintings / "dawn.png", *chosen, model=trained / "prior")
        assert code == 0, err
        heard.append(read_audio(Path(f"{Path(name).stem}.flac")).samples)
    assert torch.equal(*heard)


def test_the_card_says_what_it_was_trained_on(art2mus, run: Path):
    assert art2mus("export", "run", model=None)[0] == 0
    card = Path("run/export/README.md").read_text(encoding="utf-8")
    _, front, text = card.split("---\n", 2)
    facts = yaml.safe_load(front)
    assert (facts["license"], facts["library_name"]) == ("cc-by-4.0", "art2mus")
    assert "image-to-music" in facts["tags"]
    assert "| CC-BY-4.0 | 2 |\n| CC0-1.0 | 1 |\n" in text
    for told in ("3 pairs", "2 pairs held out", "Steps: 2 of 2 examples", "`data`", "validation loss"):
        assert told in text
    assert "art2mus compose painting.jpg --model prior --aligner run.safetensors" in text
    digest = json.loads(Path("run", RUN).read_text())["data"]["sha256"]
    assert digest[:16] in text
    assert str(run.parent) not in card  # no path of this machine
    assert "{{" not in card


def test_the_card_of_an_aligner_of_music_alone_with_a_lora(art2mus, trained: Path, run: Path):
    assert art2mus("export", "run", model=None)[0] == 0
    told_run = told(run)
    path = Path("run/export/run.safetensors")
    about = {
        **told_run,
        "step": 2,
        "config": {"batch": 2, "learning_rate": 0.1, "ema": 0, "options": {"encoder": "/x/eye"}},
    }
    about["header"] = {**told_run["header"], "lora": {}}
    card = card_of(path, replace(read_header(path), run="music alone, gap none", encoder="eye"), about, [])
    for text in (
        "use it with `run-lora.safetensors`",
        "trained on music alone",
        "--aligner run.safetensors --lora run-lora.safetensors\n```",
        "3 pieces of music for training, 2 pieces held out",
        "| licence | pieces |",
        "`ComfyUI/models/loras`",
    ):
        assert text in card
    assert "/x/eye" not in card
    assert "airs" not in card.split("## Training")[1].split("## Intended")[0]


def test_another_licence_and_another_place(art2mus, run: Path):
    code, out, _ = art2mus(
        "export", "run", "--out", "new/mine.safetensors", "--licence", "my own", "--json", model=None
    )
    told = json.loads(out)
    files = {"file": str(Path("new/mine.safetensors")), "card": str(Path("new/mine.md"))}
    assert (code, told) == (0, {**files, "step": 2, "prior": "prior"})
    assert read_header(Path("new/mine.safetensors")).licence == "my own"
    facts = yaml.safe_load(Path("new/mine.md").read_text(encoding="utf-8").split("---\n")[1])
    assert (facts["license"], facts["license_name"]) == ("other", "my own")
    code, _, err = art2mus("export", "run", "--out", "new/mine.safetensors", "--no-replace", model=None)
    assert code == 2
    assert "already exist" in err


def test_an_installed_aligner_is_found_by_its_name(art2mus, trained: Path, run: Path, paintings: Path, tmp_path: Path):
    code, out, err = art2mus("export", "run", "--install", "night", model=None)
    assert (code, err) == (0, "")
    assert {path.name for path in (tmp_path / "home" / "night").iterdir()} == {"night.safetensors", "README.md"}
    assert "--aligner night" in out
    assert "the node Image Aligner lists night here" in out
    chosen = ("--aligner", "night", "--seconds", 1, "--out", "dawn.flac")
    code, _, err = art2mus("compose", paintings / "dawn.png", *chosen, model=trained / "prior")
    assert code == 0, err


def test_a_folder_with_anything_else_is_not_installed_over(art2mus, run: Path, tmp_path: Path):
    other = tmp_path / "home" / "other"
    other.mkdir(parents=True)
    (other / "model_index.json").write_text("{}")
    code, out, err = art2mus("export", "run", "--install", "other", model=None)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert "which has model_index.json; expected a new folder, or one with an exported aligner alone" in err
    assert [path.name for path in other.iterdir()] == ["model_index.json"]


def test_installed_again_it_replaces_the_aligner_and_deletes_its_lora(art2mus, run: Path, tmp_path: Path):
    assert art2mus("export", "run", "--install", "night", model=None)[0] == 0
    stale = tmp_path / "home" / "night" / "night-lora.safetensors"
    save_lora(stale, {}, alpha=1.0, prior="prior", denoiser="", licence="", run="")
    code, out, err = art2mus("export", "run", "--install", "night", model=None)
    assert (code, err) == (0, "")
    assert f"replaced {stale.with_name('night.safetensors')}" in out.splitlines()
    assert f"deleted {stale}, the LoRA of the aligner before" in out.splitlines()
    assert not stale.exists()


def test_the_next_command_names_what_is_found_from_here(art2mus, trained: Path, run: Path, tmp_path: Path):
    shutil.copytree(trained / "prior", tmp_path / "home" / "found")
    for folder, named in ((tmp_path / "home" / "found", "found"), (tmp_path / "gone", "prior")):
        change(run, {"checkpoint": {"folder": str(folder)}})
        assert f"--model {named} --aligner" in art2mus("export", "run", model=None)[1]
    change(run, {"encoder": {"folder": str(trained / "prior")}})
    assert f" --encoder {quoted(trained / 'prior')}" in art2mus("export", "run", model=None)[1]


def test_the_state_of_an_earlier_step_is_exported(art2mus, run: Path):
    state = newest(run)
    earlier = shutil.copytree(state, state.with_name("0000001"))
    weights = {name: value + 1 for name, value in read_average(earlier).items()}
    assert art2mus("export", "run", "--out", "last.safetensors", model=None)[0] == 0
    code, out, _ = art2mus("export", "run", "--state", "1", "--out", "first.safetensors", "--json", model=None)
    assert code == 0
    assert Path("first.safetensors").read_bytes() == Path("last.safetensors").read_bytes()
    save_tensors(earlier / AVERAGE, weights)  # now it is damaged
    code, out, err = art2mus("export", "run", "--state", "1", model=None)
    assert (code, out) == (2, "")
    assert "0000001 is damaged; expected a complete state" in err


def test_a_damaged_state_is_told_and_the_one_before_exported(art2mus, run: Path):
    state = newest(run)
    last = shutil.copytree(state, state.with_name("0000003"))
    (last / AVERAGE).write_bytes(b"")
    code, out, err = art2mus("export", "run", "--json", model=None)
    assert code == 0
    assert json.loads(out)["step"] == 2
    assert one_line(err)
    assert "0000003 is damaged" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing"], "run.json is missing; expected the folder of a run"),
        (["run", "--state", "7"], "run has no state of step 7; expected one of 0000002"),
        (["run", "--out", "mine.pt"], ".safetensors"),
        (["run", "--install", "../mine"], "the name '../mine'; expected the name of a folder"),
        (["run", "--install", "a", "--out", "b.safetensors"], "--out and --install; expected one of them"),
        (["run", "--install", "pocket"], "the name 'pocket', which is that of a known checkpoint"),
        (["run", "--install", "imagebind"], "the name 'imagebind', which is that of a known checkpoint"),
        (["run", "--install", "model"], "the name 'model', which is that of a model's own aligner"),
        (
            ["run", "--install", "mine"],
            "prior has for an aligner in it; expected a name of which the model has no aligner",
        ),
        (["run", "--install", "my-lora"], "an aligner my-lora.safetensors; expected a name that does not end in -lora"),
        (["run", "--out", "my-lora.safetensors"], "expected a name that does not end in -lora"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_is_one_line(art2mus, run: Path, arguments: list[str], told: str):
    before = written()
    code, out, err = art2mus("export", *arguments, model=None)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert told in err
    assert written() == before


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda run: shutil.rmtree(run / CHECKPOINTS), "has no complete state yet"),
        (lambda run: (run / RUN).write_text("{"), "run.json cannot be read"),
        (lambda run: (run / RUN).write_text("[]"), "is another kind of file"),
        (lambda run: change(run, {"stage": "vae"}), "is a run of the stage vae; expected one of the stage aligner"),
        (lambda run: change(run, {"header": {**told(run)["header"], "width": 11}}), "average.safetensors"),
    ],
    ids=["no state", "half a document", "another document", "another stage", "another width"],
)
def test_a_run_without_an_aligner_is_refused(art2mus, run: Path, spoil, told: str):
    spoil(run)
    code, out, err = art2mus("export", "run", model=None)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert told in err
    assert not Path("run/export").exists()


def told(run: Path) -> dict:
    return json.loads((run / RUN).read_text())


def change(run: Path, changes: dict) -> None:
    (run / RUN).write_text(json.dumps({**told(run), **changes}))
