from __future__ import annotations

import pytest

from art2mus_core.cli import main


@pytest.fixture
def art2mus(capsys, monkeypatch, tmp_path, pocket_like):
    """Runs a command in an empty folder; returns exit code, standard output and standard error."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path / "home"))

    def run(*arguments, model=pocket_like):
        chosen = ("--model", str(model)) if model else ()
        with pytest.raises(SystemExit) as leaving:
            main([*map(str, arguments), *chosen])
        said = capsys.readouterr()
        return leaving.value.code, said.out, said.err

    return run
