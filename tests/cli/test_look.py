from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from art2mus_core.cli import main


@pytest.fixture
def look(capsys, monkeypatch, tmp_path, pocket_like):
    """Runs `art2mus look`; returns exit code and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as leaving:
            main(["look", *map(str, arguments), "--model", str(pocket_like)])
        return leaving.value.code, capsys.readouterr().err

    return run


def test_the_artwork_and_its_music_are_drawn(look, paintings):
    assert look(paintings / "dawn.png", "look.png", "--seconds", "3") == (0, "")
    with Image.open("look.png") as drawn:
        assert min(drawn.size) > 300
        assert len(drawn.convert("RGB").getcolors(1 << 24)) > 100


@pytest.mark.parametrize("wrong", [("dawn.png", "look.txt"), ("night.png", "look.png")], ids=str)
def test_a_mistake_is_one_line_and_nothing_is_drawn(look, paintings, wrong):
    artwork, out = wrong
    code, err = look(paintings / artwork, out)
    assert code == 2
    assert err.count("\n") == 1
    assert not Path(out).exists()


def test_the_length_has_its_range(look, paintings):
    assert look(paintings / "dawn.png", "look.png", "--seconds", "121")[0] == 2
