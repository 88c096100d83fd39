"""A command whose packages are not installed says which extra brings them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from art2mus_core.cli import EXTRAS

ROOT = Path(__file__).parents[2]
BROUGHT = {
    "faiss": "faiss-cpu",
    "pandas": "ray[data]",
    "ray": "ray[data]",
    "sentence_transformers": "sentence-transformers",
    "yaml": "pyyaml",
}
"""Requirements that bring packages of another name."""


def test_every_package_is_in_its_extra():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    data = {line.partition(">=")[0] for line in extras["data"]}
    for package, names in EXTRAS.items():
        for name in names.split(","):
            found = {line.partition(">=")[0] for line in extras[name]} | data
            assert BROUGHT.get(package, package) in found, (package, name)


def test_a_missing_package_is_one_line(tmp_path):
    blocked = "import sys\nsys.modules['scipy'] = None\nfrom art2mus_core.cli import main\nmain(['score', 'music'])"
    import numpy as np

    from ..evaluation.conftest import write

    write(tmp_path / "music" / "dawn.wav", np.sin(np.arange(32_000) / 20))
    done = subprocess.run([sys.executable, "-c", blocked], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "scipy" in done.stderr
    assert "pip install 'art2mus[eval]'" in done.stderr
