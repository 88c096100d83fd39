"""Runs the default tests with the oldest packages that pyproject.toml allows, or with the newest there are.

    python3 .ci/versions.py oldest
    python3 .ci/versions.py newest
    python3 .ci/versions.py newest tests/conditioning     # only some tests; nothing is noted down

Each has an environment of its own in .versions/. On Linux torch brings several gigabytes of CUDA libraries with it. When all
default tests pass, what they ran with is noted in art2mus_core/configs/tested_versions.json, which `art2mus doctor` reads.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
import tomllib
import venv
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "art2mus_core" / "configs" / "tested_versions.json"
KINDS = ("oldest", "newest")
OF_THE_TABLE = "tests/cli/test_tested.py::test_the_oldest_tested_are_the_lower_bounds"
ASK = "import importlib.metadata, json, sys; print(json.dumps([importlib.metadata.version(n) for n in sys.argv[1:]]))"


def main(kind: str, *tests: str) -> None:
    """Make the environment, run the tests, and note what passed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = ROOT / ".versions" / kind
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(lowest(project) if kind == "oldest" else ()), encoding="utf-8")
    install = ["install", "--quiet", "--upgrade", "--upgrade-strategy", "eager", "--editable", ".[test]"]
    # A constraint that the machine sets for all its users would hold back the newest.
    run([python, "-m", "pip", *install], PIP_CONSTRAINT=str(constraints))
    names = [name_of(line) for line in project["dependencies"]]
    found = json.loads(subprocess.run([python, "-c", ASK, *names], check=True, capture_output=True).stdout)
    installed = dict(zip(names, found, strict=True))
    print(", ".join(f"{name} {version}" for name, version in installed.items()), flush=True)
    # The table is what this run is to write, and options of one machine must not thin it out.
    run([python, "-m", "pytest", "-q", f"--deselect={OF_THE_TABLE}", *tests], PYTHONPATH=str(ROOT), PYTEST_ADDOPTS="")
    if not tests:
        note(kind, installed)


def lowest(project: dict) -> list[str]:
    """A line `name==bound` for every lower bound of the project and its extras."""
    lines = chain(project["dependencies"], *project["optional-dependencies"].values())
    return sorted({line.replace(">=", "==") + "\n" for line in lines if ">=" in line})


def name_of(line: str) -> str:
    """The package that a dependency names."""
    return re.split(r"[^\w.-]", line)[0]


def note(kind: str, installed: dict[str, str]) -> None:
    """Put one kind's date and versions into the table, and leave the other's."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    table[kind] = {"date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}", "versions": installed}
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def run(command: list, **variables: str) -> None:
    """Run a command in the project's folder; leave with its exit code if it fails."""
    if code := subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, check=False).returncode:
        sys.exit(code)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in KINDS:
        sys.exit(__doc__)
    main(*sys.argv[1:])
