from __future__ import annotations

import shutil

import pytest

from art2mus_core.cli import main
from art2mus_core.conditioning.constants import load_constants


@pytest.fixture
def art2mus(capsys, monkeypatch, tmp_path, talking_like):
    """Runs `art2mus export-text` where audioldm2 has been fetched; returns exit code, output and standard error."""
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path))
    shutil.copytree(talking_like, tmp_path / "audioldm2")

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as leaving:
            main(["export-text", *arguments])
        said = capsys.readouterr()
        return leaving.value.code, said.out, said.err

    return run


def constants(tmp_path, name):
    return load_constants(tmp_path / "audioldm2", name, language=8, width=10)


def test_the_three_support_prompts_are_stored(art2mus, tmp_path):
    code, out, err = art2mus("audioldm2")
    assert (code, err) == (0, "")
    names = ["model", "period", "emotion"]
    files = [str(tmp_path / "audioldm2" / "constants" / f"{name}.safetensors") for name in names]
    assert [line.split("  ")[0] for line in out.splitlines()] == files
    assert out.splitlines()[0].endswith("kB  Music representing the content of this artwork")
    assert [constants(tmp_path, name).negative for name in names] == ["Low quality."] * 3


def test_an_own_support_prompt_and_no_negative_one(art2mus, tmp_path):
    code, out, _ = art2mus("audioldm2", "--support", "Music of this place", "--name", "place", "--negative", "")
    assert code == 0
    assert out.count("\n") == 1
    assert constants(tmp_path, "place").support == "Music of this place"
    assert constants(tmp_path, "place").negative == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["audioldm2", "--support", "Music"], "both, or neither"),
        (["audioldm2", "--name", "place"], "both, or neither"),
        (["audioldm2", "--support", "Music", "--name", "../place"], "letters, digits"),
        (["audioldm3"], "no model 'audioldm3'"),
        (["pocket"], "no text_encoder"),
        ([], "MODEL"),
    ],
)
def test_a_mistake_is_one_line(art2mus, tmp_path, arguments, told):
    code, out, err = art2mus(*arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert not (tmp_path / "audioldm2" / "constants").exists()


def test_the_help_teaches(art2mus):
    code, out, _ = art2mus("--help")
    assert code == 0
    for word in ("Low quality.", "period", "emotion", "--support", "audioldm2"):
        assert word in out
