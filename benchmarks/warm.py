"""Measure what a piece costs once all networks are open, by preset, length and number format.

    python benchmarks/warm.py [--model pocket] [--seconds 10 30] [--runs 4]

Processor time of `compose` of one sample artwork, the least of the runs after the first, with that of each stage; run it with
OMP_NUM_THREADS=1 where other work is going on. The last line is one JSON document.
"""

from __future__ import annotations

import argparse
import json
import time

import torch

from art2mus_core.checkpoints.memory import keep_freed
from art2mus_core.images.listing import samples
from art2mus_core.images.reading import read_artwork
from art2mus_core.pipelines import load
from art2mus_core.types import Step


class Clock:
    """An `on_step` that adds up the processor time of each stage."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self.began = self.latest = time.process_time()

    def __call__(self, step: Step) -> None:
        now = time.process_time()
        self.stages[step.stage] = self.stages.get(step.stage, 0.0) + now - self.latest
        self.latest = now

    def told(self) -> dict[str, float]:
        whole = time.process_time()
        stages = {**self.stages, "level": whole - self.latest, "whole": whole - self.began}
        return {name: round(spent, 3) for name, spent in stages.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--seconds", type=float, nargs="+", default=[10.0, 30.0])
    parser.add_argument("--runs", type=int, default=4)
    chosen = parser.parse_args()
    keep_freed()  # as `art2mus compose` does
    artwork = read_artwork(samples()["silver_forest"])
    figures = {}
    for dtype in (torch.float32, torch.bfloat16):
        pipeline = load(chosen.model, dtype=dtype)
        for seconds in chosen.seconds:
            for preset in pipeline.parts.presets:
                runs = []
                for seed in range(chosen.runs):
                    clock = Clock()
                    pipeline.compose([artwork], seeds=[seed], seconds=seconds, preset=preset, on_step=clock)
                    runs.append(clock.told())
                least = min(runs[1:], key=lambda run: run["whole"])
                name = f"{preset}, {seconds:g} s, {str(dtype).removeprefix('torch.')}"
                figures[name] = {**least, "times real time": round(seconds / least["whole"], 1)}
                print(f"{name}: {figures[name]}", flush=True)
    print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
