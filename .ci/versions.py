"""Runs the default tests with the oldest packages that pyproject.toml allows, or with the newest available ones.

    python3 .ci/versions.py oldest
    python3 .ci/versions.py newest
    python3 .ci/versions.py newest tests/conditioning     # selected tests; the table is not updated

Each kind has its own environment in .versions/. On Linux torch installs several gigabytes of CUDA libraries. If all default tests
pass, the installed versions are written to art2mus_core/configs/tested_versions.json, which `art2mus doctor` reads.
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
TABLE_TEST = "tests/cli/test_tested.py::test_the_oldest_tested_are_the_lower_bounds"
VERSIONS_OF = (
    "import importlib.metadata, json, sys; print(json.dumps([importlib.metadata.version(n) for n in sys.argv[1:]]))"
)


def main(kind: str, *tests: str) -> None:
    """Create the environment, run the tests, and record the versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = ROOT / ".versions" / kind
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(lowest(project) if kind == "oldest" else ()), encoding="utf-8")
    install = ["install", "--quiet", "--upgrade", "--upgrade-strategy", "eager", "--editable", ".[test]"]
    # PIP_CONSTRAINT replaces constraints of this machine, which could hold back the newest versions.
    run([python, "-m", "pip", *install], PIP_CONSTRAINT=str(constraints))
    names = [name_of(line) for line in project["dependencies"]]
    found = json.loads(subprocess.run([python, "-c", VERSIONS_OF, *names], check=True, capture_output=True).stdout)
    installed = dict(zip(names, found, strict=True))
    print(", ".join(f"{name} {version}" for name, version in installed.items()), flush=True)
    # The test of the table is left out because this run writes the table; PYTEST_ADDOPTS of this machine could select fewer tests.
    run([python, "-m", "pytest", "-q", f"--deselect={TABLE_TEST}", *tests], PYTHONPATH=str(ROOT), PYTEST_ADDOPTS="")
    if not tests:
        note(kind, installed)


def lowest(project: dict) -> list[str]:
    """Lines `name==bound` for all lower bounds of the project and its extras."""
    lines = chain(project["dependencies"], *project["optional-dependencies"].values())
    bounds = (re.sub(r"\[.*\]", "", line) for line in lines if ">=" in line)  # a constraint has no extras
    return sorted({line.replace(">=", "==") + "\n" for line in bounds})


def name_of(line: str) -> str:
    """The package name of a dependency."""
    return re.split(r"[^\w.-]", line)[0]


def note(kind: str, installed: dict[str, str]) -> None:
    """Replace one kind's date and versions in the table."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    table[kind] = {"date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}", "versions": installed}
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def run(command: list, **variables: str) -> None:
    """Run a command in the project's folder; exit with its code if it fails."""
    if code := subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, check=False).returncode:
        sys.exit(code)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in KINDS:
        sys.exit(__doc__)
    main(*sys.argv[1:])
