from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from art2mus_core.checkpoints.names import (
    aligner_file,
    describe,
    existing,
    home,
    is_aligner,
    is_encoder,
    is_evaluation_model,
    is_prior,
    known,
    locate,
    name_for_command,
    quoted,
)
from art2mus_core.errors import SettingError


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path))
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "model_index.json").write_text("{}", encoding="utf-8")
    (tmp_path / "no checkpoint").mkdir()
    return tmp_path


def test_the_bundled_model_lies_in_the_package():
    assert locate("pocket").parent == Path(__file__).parents[2] / "art2mus_core"


def test_a_name_is_looked_up_at_home(shelf):
    assert locate("music") == shelf / "music"
    assert known() == ["pocket", "art2music", "music"]


def test_a_path_is_itself(shelf):
    assert locate(str(shelf / "no checkpoint")) == shelf / "no checkpoint"


@pytest.mark.parametrize("name", ["musik", ""])
def test_an_unknown_name_is_told_what_is_known(shelf, name):
    with pytest.raises(SettingError, match="pocket, art2music, music"):
        locate(name)


UNKNOWN = {
    "a published encoder": ("imagebind", is_encoder, "no image encoder.*one of pocket, or.*art2mus fetch imagebind`"),
    "a published model": (
        "audioldm2",
        is_prior,
        "no model.*one of pocket, art2music, music, or.*art2mus fetch audioldm2`",
    ),
    "a published aligner": (
        "art2mus-2024",
        is_aligner,
        "no aligner.*one of none installed, or.*art2mus fetch art2mus-2024`",
    ),
    "an encoder as a model": ("imagebind", is_prior, "Choose it as the image encoder, together with a model"),
    "a model as an encoder": ("audioldm2", is_encoder, "no image encoder.*Choose it as the model"),
    "nothing": ("musik", is_encoder, "path of the folder of an image encoder. Check the name, or put"),
}


@pytest.mark.parametrize(("name", "is_a", "said"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_name_is_told_what_it_was_wanted_for_and_how_to_get_it(shelf, name, is_a, said):
    with pytest.raises(SettingError, match=said):
        locate(name, is_a)


STRANGE = ["~nosuch/x", "~nosuch", "n" * 300, "a\0b", "a/" * 3000, "\ud800"]


@pytest.mark.parametrize("name", STRANGE, ids=ascii)
def test_a_name_that_no_folder_can_have_is_not_there(shelf, name):
    assert existing(name) is existing(name, Path.is_file) is existing(shelf / name, is_aligner) is None
    with pytest.raises(SettingError, match="pocket, art2music, music"):
        locate(name)


def test_a_home_of_nobody_is_empty(monkeypatch):
    monkeypatch.setenv("ART2MUS_HOME", "~nosuch/models")
    assert known() == ["pocket", "art2music"]


def test_the_persons_own_folder_is_meant_by_its_sign(tmp_path, monkeypatch):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    (tmp_path / "mine").mkdir()
    assert locate("~/mine") == existing("~/mine") == tmp_path / "mine"


def lay(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("{}", encoding="utf-8")
    return folder


FOLDERS = {
    "an encoder to be converted": (
        ["imagebind/imagebind_huge.pth"],
        "an image encoder",
        "as the image encoder, together with a m",
    ),
    "an interrupted model": (
        ["audioldm2/vae/config.json"],
        "a model that is not completely installed",
        "fetch audioldm2`",
    ),
    "a fetched aligner": (["art2mus-2024/layer.pt"], "an aligner", "as the aligner, together with a model"),
    "an encoder of another name": (["bound/image_encoder/config.json"], "an image encoder", "as the image encoder"),
    "an aligner of another name": (["mine/Layer.PT"], "an aligner", "as the aligner"),
    "anything else": (["notes/readme.txt"], "no model", "Check the name"),
    "the bundled model's name": (
        ["pocket/readme.txt"],
        "a model that is not completely installed",
        "Install Art2Mus again",
    ),
}


@pytest.mark.parametrize(("paths", "what", "use"), FOLDERS.values(), ids=FOLDERS)
def test_what_is_no_model_says_what_it_is_and_how_it_is_used(tmp_path, paths, what, use):
    said, remedy = describe(lay(tmp_path, *paths) / Path(paths[0]).parts[0])
    assert said == what
    assert use in remedy
    assert "--" not in remedy


def test_what_is_no_encoder_says_so_too(tmp_path):
    assert describe(lay(tmp_path / "own", "model_index.json"), is_encoder) == ("a model", "Choose it as the model.")


JUDGES = {
    "a clap": ("config.json", '{"model_type": "clap"}', True),
    "an ast": ("config.json", '{"model_type": "audio-spectrogram-transformer"}', True),
    "a clip": ("config.json", '{"model_type": "clip"}', False),
    "a list": ("config.json", '{"model_type": ["clap"]}', False),
    "no object": ("config.json", "[]", False),
    "damaged": ("config.json", "{", False),
    "vggish": ("vggish-10086976.pth", "", True),
    "half of vggish": ("vggish-10086976.pth.partial", "", False),
    "other weights": ("weights.pth", "", False),
}


@pytest.mark.parametrize(("name", "content", "so"), JUDGES.values(), ids=JUDGES)
def test_a_judge_is_told_by_its_configuration_or_its_file(tmp_path, name, content, so):
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert is_evaluation_model(tmp_path) is so
    if so:
        assert describe(tmp_path) == ("an evaluation model", "It is used for evaluation, not for composing.")


def test_what_only_judges_is_not_composed_with(shelf):
    with pytest.raises(SettingError, match="used for evaluation"):
        locate("clap-music")


ONE_FILE = {
    "trained here": (["model.safetensors"], "model.safetensors"),
    "published": (["layer.pt", "README.md"], "layer.pt"),
    "in capitals": (["A.PT"], "A.PT"),
    "two": (["a.pt", "b.safetensors"], None),
    "a component": (["model.safetensors", "config.json"], None),
    "folders only": (["x.pt/y"], None),
    "none": (["README.md"], None),
}


@pytest.mark.parametrize(("paths", "file"), ONE_FILE.values(), ids=ONE_FILE)
def test_an_aligner_is_one_file_of_weights_and_no_network(tmp_path, paths, file):
    lay(tmp_path, *paths)
    assert is_aligner(tmp_path) is (file is not None)
    assert aligner_file(tmp_path) == (tmp_path / file if file else None)


def test_a_command_names_a_folder_so_that_it_is_found(shelf, tmp_path, monkeypatch):
    elsewhere = lay(tmp_path / "my models" / "music", "model_index.json")
    assert name_for_command(shelf / "music") == "music"
    assert name_for_command(locate("pocket")) == "pocket"
    assert name_for_command(elsewhere) == quoted(elsewhere) != str(elsewhere)
    assert name_for_command(shelf / "no checkpoint") == quoted("no checkpoint")
    monkeypatch.chdir(elsewhere.parent)  # where the name leads to another folder
    assert name_for_command(shelf / "music") == quoted(shelf / "music")
    assert name_for_command(Path("music")) == "music"


@pytest.mark.skipif(os.name == "nt", reason="the shells of other systems")
@pytest.mark.parametrize("word", ["/a/Application Support/x", 'a"b', "it's", "$HOME", "a\\b", "plain", ""])
def test_a_quoted_word_is_one_word(word):
    assert shlex.split(f"art2mus convert {quoted(word)} --out") == ["art2mus", "convert", word, "--out"]


def test_windows_knows_double_quotes_only(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert quoted("D:\\its mine\\x") == '"D:\\its mine\\x"'
    assert quoted(r"D:\RUNNER~1\art2mus") == r"D:\RUNNER~1\art2mus"
    assert quoted("a&b") == '"a&b"'


def test_home_without_the_variable_is_a_folder_of_this_person(monkeypatch):
    monkeypatch.delenv("ART2MUS_HOME", raising=False)
    assert home().name == "art2mus"
    assert home().is_absolute()
