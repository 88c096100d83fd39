"""`art2mus train`: what it refuses before anything is read, what it says, and what it leaves behind."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.digests import folder_digest
from art2mus_core.training.config import TrainingConfig
from art2mus_core.training.run.documents import CONFIG, RUN, read_run
from art2mus_core.training.run.saving import newest

from .saying import one_line, written


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("--seed", "-9", "seed -9; expected 0 to 9223372036854775807"), ("--steps", "0", "steps 0; expected 1 or more")],
)
def test_an_option_out_of_range_is_told_and_not_the_packaged_file(art2mus, option: str, value: str, told: str):
    code, out, err = art2mus("train", "vae", "--data", "pairs", option, value, model=None)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert told in err
    assert "vae.yaml" not in err
    assert written() == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["alinger"], "no training configuration 'alinger'"),
        (["aligner", "--set", "stps=3"], "stps: no such field, did you mean steps?"),
        (["aligner", "--set", "crop=3"], "did you mean options.crop?"),
        (["aligner", "--set", "options.shuffeld=true"], "did you mean shuffled?"),
        (["aligner", "--set", "batch=many"], "batch=many (batch: Input should be a valid integer"),
        (["aligner", "--set", "batch"], "expected KEY=VALUE"),
        (["aligner", "--prior", "audioldm3"], "no model 'audioldm3'"),
        (["aligner", "--prior", "pocket", "--encoder", "imagebind"], "no image encoder 'imagebind'"),
        (["aligner", "--prior", "pocket", "--out", "new"], "--prior and --out; expected one of them"),
        (["aligner", "--prior", "pocket", "--encoder", "1"], "no image encoder '1'"),
        (["vae", "--prior", "pocket"], "a prior for the stage vae"),
        (["vae", "--encoder", "pocket"], "options of stage vae with encoder: no such field"),
        (["aligner", "--prior", "pocket"], "in nothing; expected a dataset folder"),
        (["aligner", "--prior", "pocket", "--dry-run"], "in nothing; expected a dataset folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_is_one_line_and_writes_nothing(art2mus, arguments: list[str], told: str):
    code, out, err = art2mus("train", *arguments, "--data", "nothing", model=None)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert told in err
    assert written() == []


@pytest.mark.parametrize("more", [[], ["--dry-run"]], ids=["start", "dry"])
@pytest.mark.parametrize("stage", ["vae", "aligner", "hifigan"])
@pytest.mark.parametrize("option", ["--out", "--run"])
def test_a_file_in_place_of_a_folder_is_refused_at_the_start(art2mus, small_pairs, option, stage, more: list[str]):
    Path("taken").write_text("a file", encoding="utf-8")
    name = {"hifigan": "art2music-vocoder"}.get(stage, stage)
    for place in ("taken", "taken/below"):
        code, out, err = art2mus("train", name, "--data", small_pairs, option, place, *more, model=None)
        assert (code, out) == (2, "")
        assert "taken is a file; expected a folder. Choose another place." in err
        assert written() == ["taken"]


def test_a_dry_run_tells_the_sizes_and_writes_nothing(art2mus, small: dict[str, Any]):
    before = folder_digest(small["data"]), folder_digest(small["prior"])
    code, out, err = art2mus("train", *small["arguments"], "--dry-run", model=None)
    assert (code, err) == (0, "")
    lines = dict(line.split("  ", 1) for line in out.splitlines() if "  " in line)
    assert lines["pairs"].strip() == "3 for training, 2 for validation"
    assert lines["steps"].strip() == "2 of 2: 1.33 times each pair"
    assert lines["features, latents"].strip().startswith("missing, about ")
    assert lines["features, artworks"].strip().startswith("missing, about ")
    code, out, _ = art2mus("train", *small["arguments"], "--dry-run", "--json", model=None)
    told = json.loads(out)
    assert (code, told["pairs"], told["steps"]) == (0, {"train": 3, "validation": 2}, 2)
    assert told["weights"]["trained"] > 0 < told["weights"]["frozen"]
    assert (folder_digest(small["data"]), folder_digest(small["prior"])) == before
    assert written() == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["--set", "preview_every=1", "--set", "previews=[gone.png]"], "gone.png does not exist"),
        (["--set", "trackers=[tensorboard]"], "the package tensorboard is missing"),
        (["--set", "precision=fp16"], "precision fp16 on the CPU"),
    ],
)
def test_a_dry_run_refuses_what_would_watch_and_compute(
    art2mus, small: dict[str, Any], monkeypatch, changes: list[str], told: str
):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    code, out, err = art2mus("train", *small["arguments"], *changes, "--dry-run", model=None)
    assert (code, out, written()) == (2, "", [])
    assert told in err


@pytest.mark.parametrize("more", [[], ["--dry-run"]], ids=["start", "dry"])
@pytest.mark.parametrize(
    ("stage", "told"),
    [
        ("aligner", "no artworks in it; .* Name pictures"),
        ("hifigan", "no music of more than 1 s in it; .* Set preview"),
    ],
)
def test_previews_of_an_empty_validation_split_are_refused_at_the_start(
    art2mus, small: dict[str, Any], stage: str, told: str, more: list[str]
):
    pairs = read_manifest(small["data"])
    write_manifest(small["data"], [replace(pair, split="train") for pair in pairs])
    before = folder_digest(small["data"])
    hifigan = ["art2music-vocoder", "--data", small["data"], "--out", "own"]
    arguments = small["arguments"] if stage == "aligner" else hifigan
    code, out, err = art2mus("train", *arguments, "--set", "preview_every=1", *more, model=None)
    assert (code, out, written()) == (2, "", [])
    assert re.search(f"previews of the validation split, and .* has {told}", err)
    assert folder_digest(small["data"]) == before


def test_a_training_on_a_prior_leaves_it_as_it_is_and_documents_the_run(art2mus, small: dict[str, Any]):
    before = folder_digest(small["prior"])
    code, out, err = art2mus("train", *small["arguments"], model=None)
    assert code == 0, err
    assert folder_digest(small["prior"]) == before
    assert "weights are trained and" in err
    assert "on 3 pairs (2 for validation), in 2 steps of 2 (1.33 times each pair); run in run" in err
    assert out.splitlines()[0].startswith("aligner: 2 steps, validation loss ")
    assert out.splitlines()[1:] == ["Next: art2mus export run"]
    assert newest(Path("run")).name == "0000002"
    told, config = read_run(Path("run")), TrainingConfig.load(str(Path("run") / CONFIG))
    assert config.model_dump() == {**TrainingConfig.load(str(small["yaml"])).model_dump(), "steps": 2, "seed": 5}
    assert told["data"]["pairs"] == {"train": 3, "validation": 2}
    assert told["data"]["licences"] == {"CC-BY-4.0": 2, "CC0-1.0": 1}
    assert told["checkpoint"]["sha256"].keys() >= {"language_model", "unet", "vae"}
    assert told["encoder"]["sha256"].keys() == {"image_encoder"}
    assert told["machine"]["packages"]["torch"]
    assert (told["machine"]["processes"], told["resumed"]) == (1, [])
    first = told["started"]

    code, out, err = art2mus(
        "train", *small["arguments"], "--steps", "3", "--set", "restarts=[2]", "--json", model=None
    )
    assert code == 0, err
    done = json.loads(out.splitlines()[-1])
    assert (done["stage"], done["steps"], done["out"], done["run"]) == ("aligner", 3, None, "run")
    assert done["validation loss"] > 0
    told = read_run(Path("run"))
    assert (told["started"], [each["step"] for each in told["resumed"]]) == (first, [2])
    assert newest(Path("run")).name == "0000003"
    assert TrainingConfig.load(str(Path("run") / CONFIG)).steps == 3

    before = folder_digest(Path("run"))
    refused = ["--set", "batch=3", "--set", "trackers=[tensorboard]"]
    code, out, err = art2mus("train", *small["arguments"], *refused, model=None)
    assert (code, out) == (2, "")
    assert "batch 2, now 3" in err
    assert folder_digest(Path("run")) == before
    (Path("run") / RUN).unlink()  # as if the library had trained
    before = folder_digest(Path("run"))
    assert art2mus("train", *small["arguments"], *refused, model=None)[0] == 2
    assert folder_digest(Path("run")) == before


def test_pairs_that_are_left_out_are_told_and_counted(art2mus, small: dict[str, Any]):
    pairs = read_manifest(small["data"])
    spoiled = next(pair.artwork for pair in pairs if pair.split == "train")
    (small["data"] / spoiled).write_bytes(b"no picture")
    count = sum(pair.artwork == spoiled for pair in pairs)
    code, _, err = art2mus("train", *small["arguments"], "--set", "faults=0.5", model=None)
    assert code == 0, err
    assert (
        f"{count} of {len(pairs)} pairs are left out, because a file cannot be used: {spoiled}: ArtworkError: " in err
    )
    data = read_run(Path("run"))["data"]
    assert data["left_out"] == count
    assert [(each["count"], each["example"]) for each in data["faults"]] == [(1, spoiled)]


def test_a_training_with_an_out_folder_adds_its_part(art2mus, small: dict[str, Any]):
    own = shutil.copytree(small["prior"], "own")
    chosen = [each for each in small["arguments"] if each not in {"--prior", str(small["prior"]), "--run", "run"}]
    code, out, err = art2mus("train", *chosen, "--out", "own", model=None)
    assert code == 0, err
    assert (Path(own) / "aligner" / "mine.safetensors").is_file()
    assert out.splitlines()[-1] == "Next: art2mus compose ARTWORK --model own --aligner mine"
    assert (Path("own-runs") / "small" / CONFIG).is_file()
    code, out, _ = art2mus("train", *chosen, "--out", "own", "--dry-run", "--json", model=None)
    told, run = json.loads(out), read_run(Path("own-runs/small"))
    assert told["weights"]["trained"] == run["weights"]["trained"]
    assert [(each["name"], each["there"]) for each in told["features"]] == [("latents", True), ("artworks", True)]


def test_the_length_of_a_training_is_told_after_its_first_steps(capsys, monkeypatch):
    from art2mus_core.cli import training
    from art2mus_core.types import Step

    clock = iter([10.0, 15.0])
    monkeypatch.setattr(training.time, "monotonic", lambda: next(clock))
    steps = []
    config = TrainingConfig.load("aligner", {"steps": 307})
    pace = training._paced(steps.append, config)
    for done in range(1, 4):
        pace(Step("latents", done, 307))
    for done in range(101, 111):
        pace(Step("aligner loss 0.1", done, 307))
    assert len(steps) == 13
    assert capsys.readouterr().err == "art2mus: the other 200 steps take about 3 min\n"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(89.4, "89 s"), (91.0, "2 min"), (5360.0, "89 min"), (7260.0, "2 h 1 min"), (3.6e6, "1,000 h 0 min")],
)
def test_a_duration_is_told_in_what_people_count(seconds: float, told: str):
    from art2mus_core.cli.training import _duration

    assert _duration(seconds) == told


@pytest.mark.parametrize(("pairs", "told"), [(3, "13,333"), (401, "99.8"), (8000, "5")])
def test_how_often_each_pair_is_seen_is_told_in_digits(pairs: int, told: str):
    from art2mus_core.cli.training import _epochs

    config = TrainingConfig.load("aligner", {"steps": 2500, "batch": 16})
    assert _epochs(config, pairs) == f"{told} times each pair"


@pytest.fixture
def small(tmp_path: Path, small_pairs: Path, small_yaml: Path, pocket_like: Path) -> dict[str, Any]:
    """A small dataset, a small prior, and the arguments that train an aligner on them for two steps."""
    data = shutil.copytree(small_pairs, tmp_path / "data")
    chosen = ["--data", data, "--prior", pocket_like, "--run", "run", "--set", "steps=2", "--seed", "5"]
    arguments = [str(each) for each in (small_yaml, *chosen)]
    return {"data": data, "prior": pocket_like, "yaml": small_yaml, "arguments": arguments}
