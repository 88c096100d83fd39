"""Measures the time from process start to the first denoising step of `art2mus compose`, before and after a change.

    python benchmarks/startup.py ARTWORK [--before COMMIT] [--rounds 5]

The earlier commit is checked out into a temporary folder (`git worktree`). Both trees run alternately, each time in new
processes: `art2mus --help`, and `art2mus compose ARTWORK` until its first denoising step. Wall time includes delays by other
programs; processor time does not. Results are medians and ratios of medians. The import of the libraries alone is also
measured: torch, and torch with the two network classes. The table goes to standard error, one JSON document to the last line of
standard output.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from trees import PACK, checked_out, environment  # beside this script

UNTIL_THE_FIRST_STEP = """
import os, sys
from contextlib import contextmanager
from art2mus_core.cli import compose, main

def on_step(step):
    if step.stage == "denoise":
        sys.stderr.write(str(len(sys.modules)))
        sys.stderr.flush()
        os._exit(0)

compose.reporting = contextmanager(lambda *_, **__: (yield on_step))
main(sys.argv[1:])
"""

HELP = """
import sys
from art2mus_core.cli import main
try:
    main(["--help"])
finally:
    sys.stderr.write(str(len(sys.modules)))
"""

CLASSES = """
import gc, sys
gc.disable()
from transformers.models.gpt2.modeling_gpt2 import GPT2Model
from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2UNet2DConditionModel
sys.stderr.write(str(len(sys.modules)))
"""

TORCH = "import gc, sys; gc.disable(); import torch; sys.stderr.write(str(len(sys.modules)))"


def cost(tree: Path, script: str, *arguments: str) -> dict[str, float]:
    """Wall time and processor time in seconds of one process of a tree, and the modules it imported."""
    started, before = time.perf_counter(), os.times()
    done = subprocess.run(  # noqa: S603  our own scripts
        [sys.executable, "-c", script, *arguments],
        env=environment(tree, threads=1),
        capture_output=True,
        text=True,
        check=True,
    )
    wall, after = time.perf_counter() - started, os.times()
    worked = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": wall, "processor seconds": worked, "modules": int(done.stderr.split()[-1])}


def median(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(each[name] for each in rounds), 3) for name in rounds[0]}


def measure(trees: dict[str, Path], artwork: Path, rounds: int) -> dict[str, dict[str, float]]:
    work = {
        **{f"--help, {when}": (tree, HELP) for when, tree in trees.items()},
        **{
            f"first step, {when}": (tree, UNTIL_THE_FIRST_STEP, "compose", str(artwork), "--out", str(tree / "x.flac"))
            for when, tree in trees.items()
        },
        "torch alone": (PACK, TORCH),
        "torch and the two classes": (PACK, CLASSES),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, call in work.items():
            figures = cost(*call)
            if turn:  # the first round fills the disk cache and compiles
                found[name].append(figures)
    return {name: median(figures) for name, figures in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artwork", type=Path)
    parser.add_argument("--before", default="45ae907", help="the earlier commit")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    with checked_out(chosen.before) as before:
        found = measure({"before": before, "after": PACK}, chosen.artwork.resolve(), chosen.rounds)
    ratios = {
        f"{what}, after / before, {unit}": round(found[f"{what}, after"][unit] / found[f"{what}, before"][unit], 3)
        for what in ("--help", "first step")
        for unit in ("seconds", "processor seconds")
    }
    for name, figures in found.items():
        print(name.ljust(28), json.dumps(figures), file=sys.stderr)
    for name, ratio in ratios.items():
        print(name.ljust(48), ratio, file=sys.stderr)
    versions = {name: importlib.metadata.version(name) for name in ("torch", "diffusers", "transformers")}
    date = dt.datetime.now(tz=dt.UTC).date().isoformat()
    print(json.dumps({"date": date, "before": chosen.before, "versions": versions, **found, "ratios": ratios}))


if __name__ == "__main__":
    main()
