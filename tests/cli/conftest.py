from __future__ import annotations

import shutil
from pathlib import Path

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


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory, small_pairs: Path, small_yaml: Path, pocket_like: Path) -> Path:
    """A run of two steps, and beside it its prior with the aligner in it. Not to be written to."""
    folder = tmp_path_factory.mktemp("trained")
    data, prior = shutil.copytree(small_pairs, folder / "data"), shutil.copytree(pocket_like, folder / "prior")
    where = ("--data", data, "--out", prior, "--run", folder / "my run")
    with pytest.raises(SystemExit) as leaving:
        main([str(each) for each in ("train", small_yaml, *where, "--set", "steps=2")])
    assert leaving.value.code == 0
    shutil.rmtree(data)  # an export needs no dataset
    return folder
