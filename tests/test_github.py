"""What GitHub runs: it was never run here, so what can be read is checked."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github" / "workflows"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="a source archive has no workflows")


def jobs(name: str) -> dict:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))["jobs"]


def test_the_oldest_python_is_tested_on_every_system_and_with_the_oldest_packages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    checks = jobs("checks.yml")
    for job in ("linux", "others"):
        assert checks[job]["strategy"]["matrix"]["python"][0] == oldest
    assert checks["oldest"]["steps"][1]["with"]["python-version"] == oldest


def test_what_is_run_from_the_tree_is_there():
    steps = [step for job in jobs("checks.yml").values() for step in job["steps"]]
    named = {path for step in steps for path in re.findall(r"\.ci/[\w.]+", step.get("run", ""))}
    assert named == {".ci/run", ".ci/versions.py"}
    assert all((ROOT / path).is_file() for path in named)


def test_nothing_is_published_before_the_checks_have_passed():
    publish = jobs("publish.yml")
    assert publish["checks"]["uses"].endswith("/checks.yml")
    assert (publish["wheel"]["needs"], publish["registry"]["needs"]) == ("checks", "wheel")
    assert "if" not in publish["wheel"]
    assert "always()" not in str(publish["registry"]["if"])


@pytest.mark.parametrize("name", ["checks.yml", "publish.yml"])
def test_workflows_may_read_and_name_actions_by_commit(name: str):
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert all(re.search(r"@[0-9a-f]{40}$", action) for action in used if not action.startswith("./"))
