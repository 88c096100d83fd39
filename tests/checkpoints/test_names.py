from __future__ import annotations

from pathlib import Path

import pytest

from art2mus_core.checkpoints.names import home, known, locate
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
    assert known() == ["pocket", "music"]


def test_a_path_is_itself(shelf):
    assert locate(str(shelf / "no checkpoint")) == shelf / "no checkpoint"


@pytest.mark.parametrize("name", ["musik", ""])
def test_an_unknown_name_is_told_what_is_known(shelf, name):
    with pytest.raises(SettingError, match="pocket, music"):
        locate(name)


def test_home_without_the_variable_is_a_folder_of_this_person(monkeypatch):
    monkeypatch.delenv("ART2MUS_HOME", raising=False)
    assert home().name == "art2mus"
    assert home().is_absolute()
