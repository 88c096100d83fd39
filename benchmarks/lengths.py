"""Measures how time and memory of composing grow with the length of a piece and with the number of pieces in a batch.

    python benchmarks/lengths.py ARTWORK [--model pocket] [--seconds 10 30 60 120] [--batches 1] [--threads 1] [--precision float32]

Each length and batch in a process of its own, which composes once and is measured the first time: processor seconds by stage, wall time
without loading, and the largest resident set, of which the libraries and weights are told apart, beside what
`art2mus_core.pipelines.peaks` predicts from the weights on. The table goes to standard error, one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from trees import PACK, environment  # beside this script

INSIDE = """
import json, resource, sys, time
import torch
import art2mus_core.cli.composing
from art2mus_core.images.reading import read_artwork
from art2mus_core.pipelines import load

picture, model, seconds, batch, precision = sys.argv[1:]
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
artwork, found = read_artwork(picture), {"imported": peak()}
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

started = time.perf_counter()
count = int(batch)
pieces = pipeline.compose([artwork] * count, seeds=range(count), seconds=float(seconds), on_step=on_step)
stages["level"] = time.process_time() - latest
found |= {"wall": time.perf_counter() - started, "peak": peak(), "stages": stages}
found["predicted"] = found["loaded"] + pipeline.predicted(float(seconds), count)
print(json.dumps(found))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artwork", type=Path)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--seconds", type=float, nargs="+", default=[10.0, 30.0, 60.0, 120.0])
    parser.add_argument("--batches", type=int, nargs="+", default=[1])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="float32")
    chosen = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for batch in chosen.batches:
        for seconds in chosen.seconds:
            given = [str(chosen.artwork.resolve()), chosen.model, str(seconds), str(batch), chosen.precision]
            command = [sys.executable, "-c", INSIDE, *given]
            done = subprocess.run(  # noqa: S603  our own script
                command, env=environment(PACK, threads=chosen.threads), stdout=subprocess.PIPE, text=True, check=True
            )
            row = {"seconds": seconds, "batch": batch, **json.loads(done.stdout.splitlines()[-1])}
            rows.append(row)
            stages = {name: round(value, 2) for name, value in row["stages"].items()}
            sizes = {name: round(row[name] / 1e9, 3) for name in ("imported", "loaded", "peak", "predicted")}
            told = f"{seconds:g} s x {batch}: wall {row['wall']:.2f} s, processor {stages}, GB {sizes}"
            print(told, file=sys.stderr, flush=True)
    print(json.dumps({"model": chosen.model, "threads": chosen.threads, "precision": chosen.precision, "rows": rows}))


if __name__ == "__main__":
    main()
