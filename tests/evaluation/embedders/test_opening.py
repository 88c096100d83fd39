"""Evaluation models by name, and the errors for missing ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from art2mus_core.checkpoints.cards import read_cards
from art2mus_core.errors import CheckpointError, EvaluationError
from art2mus_core.evaluation.embedders import (
    CLASSIFIERS,
    EMBEDDERS,
    Embedder,
    MissingWeightsError,
    open_classifier,
    open_embedder,
)

ROOT = Path(__file__).parents[3]


def test_every_model_has_its_card():
    named = {model.card for model in (EMBEDDERS | CLASSIFIERS).values()} - {None}
    cards = {card.name for card in read_cards().values() if card.kind == "judge"}
    assert named == cards | {"pocket", "imagebind"}
    assert all(name == model.card for name, model in (EMBEDDERS | CLASSIFIERS).items() if model.card)


@pytest.mark.parametrize("name", ["imagebind", "clap-music", "clap-general", "vggish", "ast-audioset"])
def test_what_is_not_fetched_is_missed_with_the_way_out(name, home):
    opened = open_classifier if name in CLASSIFIERS else open_embedder
    with pytest.raises(MissingWeightsError) as caught:
        opened(name)
    assert isinstance(caught.value, CheckpointError)
    assert name in caught.value.came
    assert str(home / name) in caught.value.expected
    assert f"`art2mus fetch {name}`" in caught.value.remedy
    assert "--skip-missing" in caught.value.remedy
    assert ("art2mus convert" in caught.value.remedy) == (name == "imagebind")


@pytest.mark.parametrize("name", ["clap-music", "clap-general", "imagebind", "vggish", "ast-audioset"])
def test_what_is_fetched_is_opened(request, name, home):
    fixture = {"clap": "clap_folder", "imagebind": "imagebind_folder", "vggish": "vggish_file", "ast": "ast_folder"}
    source = request.getfixturevalue(fixture[name.split("-")[0]])
    shutil.copytree(source if source.is_dir() else source.parent, home / name)
    found = (open_classifier if name in CLASSIFIERS else open_embedder)(name)
    assert found.name == name
    assert found.space.startswith(f"{name}-")


@pytest.mark.skipif(sys.platform == "win32", reason="files of gigabytes without content take their place there")
def test_what_is_fetched_and_not_converted_is_told_what_comes_next(home):
    place = home / "imagebind" / "imagebind_huge.pth"
    place.parent.mkdir(parents=True)
    with place.open("wb") as file:
        file.truncate(4803584173)
    with pytest.raises(MissingWeightsError) as caught:
        open_embedder("imagebind")
    assert caught.value.remedy.startswith(f"Run `art2mus convert {place}`, or")


def test_damaged_weights_are_fetched_again(clap_folder, home):
    shutil.copytree(clap_folder, home / "clap-music")
    for file in read_cards()["clap-music"].files:
        with (home / "clap-music" / file.path).open("wb") as damaged:
            damaged.truncate(file.size or 1)
    with pytest.raises(MissingWeightsError, match="fetch clap-music --again"):
        open_embedder("clap-music")


def test_the_bundled_model_needs_nothing():
    assert isinstance(open_embedder("pocket"), Embedder)


def test_half_of_a_download_is_missing(clap_folder, home):
    shutil.copytree(clap_folder, home / "clap-music")
    (home / "clap-music" / "config.json").unlink()
    with pytest.raises(MissingWeightsError):
        open_embedder("clap-music")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("clip", "one of pocket, imagebind, clap-music"),
        ("", "one of pocket"),
        ("ast-audioset", "one of pocket"),
        ("clap", "clap:PATH"),
        ("clap:", "clap:PATH"),
    ],
)
def test_a_name_that_is_not_known_is_told_what_there_is(name, told):
    with pytest.raises(EvaluationError, match=told):
        open_embedder(name)


def test_a_path_that_leads_nowhere_is_no_missing_card(tmp_path):
    with pytest.raises(CheckpointError, match="nowhere does not exist") as caught:
        open_embedder(f"clap:{tmp_path / 'nowhere'}")
    assert not isinstance(caught.value, MissingWeightsError)


def test_an_imagebind_without_audio_encoder_is_refused(imagebind_folder, home):
    shutil.copytree(imagebind_folder / "image_encoder", home / "imagebind" / "image_encoder")
    with pytest.raises(CheckpointError, match="no audio encoder"):
        open_embedder("imagebind")


def test_the_table_is_asked_without_transformers():
    code = (
        "import sys, art2mus_core.evaluation.embedders as e; assert e.EMBEDDERS; print('transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
