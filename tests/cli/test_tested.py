"""Which versions the doctor calls tested."""

from __future__ import annotations

import importlib.util
import itertools
import json
import shutil
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from art2mus_core.cli.machine import TESTED, compare

ROOT = Path(__file__).parents[2]


def bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return dict(line.split(">=") for line in project["dependencies"])


def test_the_oldest_tested_are_the_lower_bounds():
    """A bound that is moved was not tested: `.ci/versions.py oldest` notes what was."""
    assert list(TESTED["oldest"]["versions"]) == list(TESTED["newest"]["versions"]) == list(bounds())
    assert {name: compare(name, bound)["verdict"] for name, bound in bounds().items()} == dict.fromkeys(
        bounds(), "tested"
    )


def test_what_passed_is_noted_for_one_kind_and_the_other_left(tmp_path, monkeypatch):
    """The last step of `.ci/versions.py`, and the bounds that it installs."""
    spec = importlib.util.spec_from_file_location("versions", ROOT / ".ci" / "versions.py")
    versions = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(versions)
    table = tmp_path / "tested.json"
    shutil.copy(versions.TABLE, table)
    monkeypatch.setattr(versions, "TABLE", table)
    versions.note("newest", dict.fromkeys(bounds(), "999"))
    noted = json.loads(table.read_text(encoding="utf-8"))
    assert noted["oldest"] == TESTED["oldest"]
    assert noted["newest"]["versions"] == dict.fromkeys(bounds(), "999")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [versions.name_of(line) for line in project["dependencies"]] == list(bounds())
    lowest = dict(line.strip().split("==") for line in versions.lowest(project))
    assert lowest.items() >= bounds().items()
    assert lowest["pytest"] == "9.0"
    assert lowest["ray"] == "2.51"  # pip refuses a constraint with an extra
    assert versions.TABLE_TEST.split("::")[1] == test_the_oldest_tested_are_the_lower_bounds.__name__


@pytest.mark.parametrize(
    ("installed", "verdict"),
    [
        ("2.3.1", "older"),
        ("2.4", "tested"),
        ("2.4.0+cu121", "tested"),
        ("2.4.1", "between"),
        ("2.9.1", "between"),
        ("2.10.0+cpu", "between"),
        ("2.15.0", "tested"),
        ("2.15.1", "newer"),
        ("2.16.0.dev20270102", "newer"),
        ("3", "newer"),
    ],
)
def test_versions_are_compared_as_numbers(monkeypatch, installed, verdict):
    for kind, known in {"oldest": "2.4.0", "newest": "2.15.0"}.items():
        monkeypatch.setitem(TESTED[kind]["versions"], "torch", known)
    assert compare("torch", installed) == {"oldest": "2.4.0", "newest": "2.15.0", "verdict": verdict}


def test_the_doctor_says_what_was_tested(art2mus, monkeypatch):
    doctor = importlib.import_module("art2mus_core.cli.doctor")
    monkeypatch.setattr(doctor, "LIBRARIES", ("torch", "numpy", "rich", "av"))
    here = version("torch")
    for kind, known in {"oldest": ("0.1", "0.1", "999", "0.1"), "newest": (here, "0.2", "999", "999")}.items():
        for name, of in zip(doctor.LIBRARIES, known, strict=True):
            monkeypatch.setitem(TESTED[kind]["versions"], name, of)
    found = json.loads(art2mus("doctor", "--json", model=None)[1].splitlines()[-1])
    assert {name: of["verdict"] for name, of in found["tested"].items()} == {
        "torch": "tested",
        "numpy": "newer",
        "rich": "older",
        "av": "between",
    }
    assert found["tested_on"] == {kind: TESTED[kind]["date"] for kind in ("oldest", "newest")}
    said = dict(line.split(maxsplit=1) for line in itertools.takewhile(bool, doctor._lines(found)))
    assert said["torch"] == f"{here}, tested"
    assert said["numpy"] == f"{version('numpy')}, newer than 0.2, the newest tested"
    assert said["av"] == f"{version('av')}, between 0.1 and 999, which were tested"
    older = "older than 999, the oldest allowed; run: python -m pip install --upgrade rich"
    assert said["rich"] == f"{version('rich')}, {older}"
    assert TESTED["newest"]["date"] in said["tested"]
