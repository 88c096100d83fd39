"""Speed of the bundled Art2Music model beside the bundled diffusion model, both warm and in one process.

    python benchmarks/art2music_speed.py [PICTURE] [--model art2music] [--beside pocket] [--seconds 10] [--turns 5] [--threads 2]

The turns of both models alternate; each figure is the median of the turns. The stages are timed in a turn of their own. Streaming: the time to the
first chunk of half a second, and the largest difference of the joined chunks from a stream of one chunk. The table goes to standard error,
one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.images.reading import read_artwork
from art2mus_core.pipelines import load
from art2mus_core.pipelines.stages import finished, vocode

COMMENT = "a storm is coming in over the harbour and everyone runs"
CHUNK = 0.5


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", nargs="?", type=Path)
    parser.add_argument("--model", default="art2music")
    parser.add_argument("--beside", default="pocket")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    artwork = read_artwork(chosen.picture) if chosen.picture else paint(7)
    light: Any = load(chosen.model)
    beside = load(chosen.beside)
    told, seconds = [[COMMENT]], chosen.seconds
    works: dict[str, Callable[[], Any]] = {
        "art2music": lambda: light.compose([artwork], comments=told, seconds=seconds),
        "diffusion": lambda: beside.compose([artwork], seconds=seconds),
        "first chunk": lambda: next(light.stream(artwork, comments=told[0], seconds=seconds, chunk_seconds=CHUNK)),
    }
    for work in works.values():
        work()
    turns: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(chosen.turns):
        for name, work in works.items():
            turns[name].append(timed(work)[0])
    found = {name: statistics.median(each) for name, each in turns.items()}
    found |= {f"stage {name}": value for name, value in stages(light, artwork, told, seconds, chosen.turns).items()}
    with torch.inference_mode():
        whole, joined = (
            torch.cat(
                [
                    piece.samples
                    for piece in light.stream(artwork, comments=told[0], seconds=seconds, chunk_seconds=size)
                ],
                -1,
            )
            for size in (seconds, CHUNK)
        )
    found["joins"] = (whole - joined).abs().max().item()
    found["times real time"] = seconds / found["art2music"]
    found["times faster than diffusion"] = found["diffusion"] / found["art2music"]
    for name, value in found.items():
        print(f"{name:30} {value:.3g}", file=sys.stderr)
    print(json.dumps({"seconds": seconds, "threads": chosen.threads, "turns": turns, "found": found}))


def stages(light: Any, artwork: Any, told: list[list[str]], seconds: float, count: int) -> dict[str, float]:
    """Median seconds of each stage."""
    settings, parts = light.settings(seconds=seconds), light.parts
    frames = -(-parts.grid.samples(seconds) // parts.grid.hop)
    taken: dict[str, list[float]] = {}
    with torch.inference_mode():
        for _ in range(count):
            spent, _embedding = timed(lambda: light.embed([artwork]))
            taken.setdefault("image encoder", []).append(spent)
            both, fused = timed(lambda: light.fuse([artwork], told))
            taken.setdefault("text encoder and fusion", []).append(both - spent)
            spent, mel = timed(lambda fused=fused: parts.mel_decoder.decode(fused, frames, [0], settings))
            taken.setdefault("mel decoder", []).append(spent)
            spent, sound = timed(lambda mel=mel: vocode(parts.vocoder, mel, parts.grid, resident=light.resident))
            taken.setdefault("vocoder", []).append(spent)
            spent, _ = timed(lambda sound=sound: finished(sound, parts.grid, seconds))
            taken.setdefault("level", []).append(spent)
    return {name: statistics.median(each) for name, each in taken.items()}


if __name__ == "__main__":
    main()
