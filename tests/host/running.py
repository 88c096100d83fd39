"""Scripts that run inside the host's process."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
PACK = HERE.parents[1]


def run(module: ModuleType, script: str, *arguments: object) -> dict:
    """The answer of a script beside this file, which is given the pack and then `arguments`."""
    command = [module.PYTHON, str(HERE / "start_host.py"), "--run", str(HERE / script), str(PACK)]
    done = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
