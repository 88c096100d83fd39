"""Measures how time and memory of composing grow with the length of a piece and with the number of pieces in a batch.

    python benchmarks/lengths.py [ARTWORK] [--seconds 10 30 60 120] [--batches 1 4 8] [--tree FOLDER] [--runs 3] [--preset exact]

Pieces of each length one by one, and batches of the first length, each in a process of its own, which composes once and is measured the
first time: processor seconds by stage, the least of the runs, and the largest resident set, beside what `art2mus_core.pipelines.peaks`
predicts from the weights on. With --tree the code of another tree, of an earlier commit for example, is measured in turns with this one.
The table goes to standard error, one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from trees import PACK, environment  # beside this script

from art2mus_core.images.listing import samples

INSIDE = """
import json, sys, time
import torch
import art2mus_core.cli.composing
from art2mus_core.images.reading import read_artwork
from art2mus_core.pipelines import load

picture, model, precision, preset, seconds, batch = sys.argv[1:]
# ru_maxrss would count the process that started this one
peak = lambda: 1024 * int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
artwork, found = read_artwork(picture), {}
pipeline = load(model, dtype=getattr(torch, precision))
for name in pipeline.NETWORKS:
    getattr(pipeline.parts, name)
found["loaded"] = peak()
stages, latest = {}, time.process_time()

def on_step(step):
    global latest
    now = time.process_time()
    stages[step.stage] = stages.get(step.stage, 0.0) + now - latest
    latest = now

count = int(batch)
pipeline.compose([artwork] * count, seeds=range(count), seconds=float(seconds), preset=preset, on_step=on_step)
stages["level"] = time.process_time() - latest
found |= {"peak": peak(), "stages": stages}
found["predicted"] = found["loaded"] + pipeline.predicted(float(seconds), count)
print(json.dumps(found))
"""

STAGES = {"denoise": "denoiser", "autoencoder": "autoencoder", "vocoder": "vocoder", "level": "level"}
"""Stages whose cost grows with the length, by the names that progress has for them."""


def measured(tree: Path, threads: int, *given: str) -> dict[str, Any]:
    """Figures of one process that composes with the code of a tree."""
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-c", INSIDE, *given],
        env=environment(tree, threads),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def least(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The least time of each stage, and the largest memory, of several runs."""
    stages = {told: min(run["stages"][name] for run in runs) for name, told in STAGES.items()}
    return {"stages": stages, **{name: max(run[name] for run in runs) for name in ("peak", "predicted")}}


def told(found: dict[str, Any], seconds: float) -> str:
    """One figure of the table: milliseconds for each second of music, by stage and together, and gigabytes."""
    each = {name: 1000 * spent / seconds for name, spent in found["stages"].items()}
    parts = ", ".join(f"{name} {value:.1f}" for name, value in each.items())
    memory = f"peak {found['peak'] / 1e9:.2f} GB (predicted {found['predicted'] / 1e9:.2f})"
    return f"{sum(each.values()):.0f} ms for each second ({parts}), {memory}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artwork", type=Path, nargs="?", default=samples()["silver_forest"])
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--preset", default="exact")
    parser.add_argument("--seconds", type=float, nargs="+", default=[10.0, 30.0, 60.0, 120.0])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--tree", type=Path, default=None)
    chosen = parser.parse_args()
    trees = {"": PACK, **({", the other tree": chosen.tree} if chosen.tree else {})}
    fixed = str(chosen.artwork.resolve()), chosen.model, chosen.precision, chosen.preset
    sizes = [(seconds, 1) for seconds in chosen.seconds]
    sizes += [(chosen.seconds[0], batch) for batch in chosen.batches if batch > 1]
    figures = {}
    for seconds, batch in sizes:
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in trees}
        for _ in range(chosen.runs):
            for name, tree in trees.items():
                runs[name].append(measured(tree, chosen.threads, *fixed, str(seconds), str(batch)))
        for name, found in runs.items():
            figure = f"{batch} x {seconds:g} s{name}"
            figures[figure] = told(least(found), batch * seconds)
            print(f"{figure}: {figures[figure]}", file=sys.stderr, flush=True)
    print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
