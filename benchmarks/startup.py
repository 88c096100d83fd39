"""Measures the time from process start to the first denoising step of `art2mus compose`, and to the written music, before and after a change.

    python benchmarks/startup.py ARTWORK [--before COMMIT] [--rounds 5] [--threads 1] [-- OPTION...]

The earlier commit is checked out into a temporary folder (`git worktree`). Both trees run alternately, each time in new
processes: `art2mus --help`, `art2mus compose ARTWORK` until its first denoising step, and the same until the file is there, whose first
byte is written with its last. Options after `--` are passed to `compose` of this tree. Wall time includes delays by other programs;
processor time does not. Results are medians and ratios of medians. The import of the libraries alone is also
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
import tempfile
import time
from pathlib import Path
from typing import Any

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

UNTIL_THE_MUSIC = """
import sys
from art2mus_core.cli import main
try:
    main(sys.argv[1:])
finally:
    sys.stderr.write(str(len(sys.modules)))
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


def cost(tree: Path, threads: int, script: str, *arguments: str) -> dict[str, float]:
    """Wall time and processor time in seconds of one process of a tree, and the modules it imported."""
    started, before = time.perf_counter(), os.times()
    done = subprocess.run(  # noqa: S603  our own scripts
        [sys.executable, "-c", script, *arguments],
        env=environment(tree, threads=threads),
        capture_output=True,
        text=True,
        check=True,
    )
    wall, after = time.perf_counter() - started, os.times()
    worked = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": wall, "processor seconds": worked, "modules": int(done.stderr.split()[-1])}


def median(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(each[name] for each in rounds), 3) for name in rounds[0]}


def measure(trees: dict[str, Path], chosen: argparse.Namespace, options: list[str]) -> dict[str, dict[str, float]]:
    work: dict[str, tuple[Any, ...]] = {}
    with tempfile.TemporaryDirectory() as place:
        for when, tree in trees.items():
            more = options if when == "after" else []
            composing = "compose", str(chosen.artwork.resolve()), "--out", str(Path(place, "x.flac")), *more
            work[f"--help, {when}"] = tree, HELP
            work[f"first step, {when}"] = tree, UNTIL_THE_FIRST_STEP, *composing
            work[f"music, {when}"] = tree, UNTIL_THE_MUSIC, *composing
        work |= {"torch alone": (PACK, TORCH), "torch and the two classes": (PACK, CLASSES)}
        found: dict[str, list[dict[str, float]]] = {name: [] for name in work}
        for turn in range(chosen.rounds + 1):
            for name, (tree, *script) in work.items():
                figures = cost(tree, chosen.threads, *script)
                if turn:  # the first round fills the disk cache and compiles
                    found[name].append(figures)
    return {name: median(figures) for name, figures in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artwork", type=Path)
    parser.add_argument("--before", default="6349551", help="the earlier commit")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    typed = sys.argv[1:]
    split = typed.index("--") if "--" in typed else len(typed)
    chosen, options = parser.parse_args(typed[:split]), typed[split + 1 :]
    with checked_out(chosen.before) as before:
        found = measure({"before": before, "after": PACK}, chosen, options)
    ratios = {
        f"{what}, after / before, {unit}": round(found[f"{what}, after"][unit] / found[f"{what}, before"][unit], 3)
        for what in ("--help", "first step", "music")
        for unit in ("seconds", "processor seconds")
    }
    for name, figures in found.items():
        print(name.ljust(28), json.dumps(figures), file=sys.stderr)
    for name, ratio in ratios.items():
        print(name.ljust(48), ratio, file=sys.stderr)
    versions = {name: importlib.metadata.version(name) for name in ("torch", "diffusers", "transformers")}
    date = dt.datetime.now(tz=dt.UTC).date().isoformat()
    print(
        json.dumps(
            {
                "date": date,
                "before": chosen.before,
                "threads": chosen.threads,
                "options": options,
                "versions": versions,
                **found,
                "ratios": ratios,
                "figures": {name: f"{ratio:.2f}" for name, ratio in ratios.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
