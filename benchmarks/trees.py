"""Runs the code of a tree of the project, this one or an earlier commit's, in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import psutil

PACK = Path(__file__).resolve().parents[1]
"""This tree."""

INSIDE = Path(__file__).with_name("tree_inside.py")
PAUSE = 0.05
"""Seconds between two looks at the memory."""

COMPOSE = "import sys; from art2mus_core.cli import main; sys.exit(main())"


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A commit of this repository in a temporary folder."""
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place, "tree")
        git = ["git", "-C", str(PACK), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), commit], check=True)  # noqa: S603
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)  # noqa: S603


def environment(tree: Path, threads: int | None = None) -> dict[str, str]:
    """The environment in which Python imports a tree's code, also from another tree's folder or script, and keeps it compiled."""
    own = {"PYTHONPATH": str(tree.resolve()), "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": ""}
    return {**os.environ, **own, **({"OMP_NUM_THREADS": str(threads)} if threads else {})}


def compose(tree: Path, *arguments: str, threads: int | None = None) -> tuple[float, float]:
    """Run a tree's `art2mus compose`; its seconds, process start included, and peak gigabytes, of all its processes together."""
    command = [sys.executable, "-c", COMPOSE, "compose", *arguments]
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    started = perf_counter()
    process = os.posix_spawn(sys.executable, command, environment(tree, threads), file_actions=quiet)
    peak, found, status, usage = 0, 0, 0, None
    while not found:
        found, status, usage = os.wait4(process, os.WNOHANG)
        if not found:
            peak = max(peak, resident(process))
            sleep(PAUSE)
    if status:
        sys.exit(f"art2mus compose {' '.join(arguments)} failed in {tree}")
    return perf_counter() - started, max(peak, usage.ru_maxrss * 1024) / 1e9


def resident(process: int) -> int:
    """Bytes of memory of a process and those that it started; libraries that they share count for each."""
    try:
        parent = psutil.Process(process)
        return sum(each.memory_info().rss for each in (parent, *parent.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def ask(tree: Path, question: str, **given: Any) -> Any:
    """The answer of a function of `tree_inside.py`, computed by a tree's code; arguments and answer are JSON."""
    command = [sys.executable, str(INSIDE), question, json.dumps(given)]
    done = subprocess.run(command, env=environment(tree), stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    answer = json.loads(done.stdout.splitlines()[-1])
    if not Path(answer["code"]).is_relative_to(tree.resolve()):
        sys.exit(f"the code of {answer['code']} ran in place of {tree}; give the root of a checked-out tree")
    return answer["answer"]
