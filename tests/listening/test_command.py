from __future__ import annotations

import json
import shutil
import signal
import sys

import pytest
import typer
from typer.testing import CliRunner

from art2mus_core.cli.listen import listen
from art2mus_core.errors import EvaluationError, SettingError
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.listening.material import read_levels
from art2mus_core.listening.study import open_study

from .going import go_through
from .making import SYSTEMS, listening
from .test_report import careless, discerning


@pytest.fixture
def command(music, tmp_path):
    """Runs the command over a copy of the music; errors come through."""
    folder = shutil.copytree(music, tmp_path / "music")
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(listen)

    def run(*arguments):
        result = CliRunner().invoke(app, [str(folder), *arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    run.folder = folder
    return run


@pytest.fixture
def answered(command):
    """Four listeners, one of them careless."""
    path = command.folder / "listening.sqlite"
    store, _ = open_study(path, *read_levels(read_collection(command.folder)), {"mode": "both", "rounds": 2})
    for opinion in (discerning, discerning, careless, discerning):
        go_through(store, opinion)
    store.close()


@pytest.mark.usefixtures("answered")
def test_the_report_for_a_person(command):
    lines = command("--report").stdout.splitlines()
    assert lines[0] == "4 listeners answered, 4 of them all questions; 1 excluded."
    assert lines[1] == "Listener 3 failed an attention check."
    assert lines[3].split() == ["quality", "relevance", "expressiveness", "preference"]
    best = next(line for line in lines if line.startswith(min(SYSTEMS)))
    assert best.removeprefix(min(SYSTEMS)).lstrip().startswith("4.00 [4.00, 4.00] n 6  5.00 [5.00, 5.00] n 6")
    assert sum(line.startswith("agreement (alpha)") for line in lines) == 2
    assert "Including excluded listeners:" in lines
    assert sum(" over " in line for line in lines) == 6


@pytest.mark.usefixtures("answered")
def test_the_report_for_a_program(command):
    document = json.loads(command("--report", "--json").stdout.splitlines()[-1])
    assert (document["begun"], document["kept"]["listeners"]) == (4, 3)
    assert document["kept"]["figures"][min(SYSTEMS)]["listening:relevance"]["value"] == 5


def test_what_cannot_be_done_is_refused(command):
    with pytest.raises(EvaluationError, match="does not exist"):
        command("--report")
    with pytest.raises(SettingError, match="--report"):
        command("--json")
    with pytest.raises(SettingError, match="1 to 5"):
        command("--rounds", "6")
    with pytest.raises(SettingError, match="rating, ab, both"):
        command("--mode", "duel")
    with pytest.raises(EvaluationError, match="no system swan"):
        command("--system", "swan")
    assert not (command.folder / "listening.sqlite").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C reaches a whole console there, not one process")
def test_the_server_says_where_it_is_and_ctrl_c_stops_it(command):
    with listening(command.folder, "--rounds", "1") as (address, process):
        assert address.endswith("/")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) != 0
    assert (command.folder / "listening.sqlite").exists()
