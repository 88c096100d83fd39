"""Measures the speed of the metrics without networks (musical measurements, faults, distances), including reading of files.

    python benchmarks/signal_speed.py [--clips 1000] [--seconds 10] [--workers 2]

Clips are composed into a temporary folder. The total includes the start of each process (imports), which is also reported
separately. The table goes to standard error, one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.reading import read_audio
from art2mus_core.character import Character
from art2mus_core.datasets.synthetic.rendering import compose
from art2mus_core.datasets.workers import spread
from art2mus_core.evaluation.reading import measure_piece
from art2mus_core.measure.pairs.distances import Distances, distances
from art2mus_core.measure.sound.faults import Faults
from art2mus_core.measure.sound.music import Music
from art2mus_core.types import Waveform

RATE = 16_000

FIRST = """
import sys, time
started = time.perf_counter()
from art2mus_core.audio.reading import read_audio
from art2mus_core.evaluation.reading import measure_piece
measure_piece(read_audio(sys.argv[1], mono=False))
first = time.perf_counter() - started
started = time.perf_counter()
measure_piece(read_audio(sys.argv[1], mono=False))
print(first - (time.perf_counter() - started))
"""


def write_clip(folder: Path, seconds: float, seed: int) -> Path:
    rng = np.random.default_rng((seed, 9))
    samples = compose(Character(*rng.random(6), tonic=int(rng.integers(12))), seed, seconds, RATE, 1)
    path = folder / f"{seed:05d}.flac"
    write_audio(path, Waveform(torch.from_numpy(samples)[None], RATE), tags={}, cover=None)
    return path


def measure_piece_file(path: Path) -> tuple[Music, Faults]:
    return measure_piece(read_audio(path, mono=False))


def distance_of(pair: tuple[Path, Path]) -> Distances:
    first, second = (read_audio(path, RATE).samples[0, 0].numpy() for path in pair)
    return distances(first, second, RATE)


def start_seconds(path: Path) -> float:
    """Seconds that the first clip takes longer than the second, in a new process."""
    command = [sys.executable, "-c", FIRST, str(path)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603


def speed(wall: float, start: float, audio: float) -> dict[str, float]:
    return {
        "wall seconds": round(wall, 1),
        "times real time": round(audio / wall, 1),
        "times real time, started": round(audio / max(wall - start, 1e-9), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        paths = list(spread(partial(write_clip, Path(place), chosen.seconds), range(chosen.clips), chosen.workers))
        start = start_seconds(paths[0])
        load = os.getloadavg()[0]
        before = time.perf_counter()
        list(spread(measure_piece_file, paths, chosen.workers))
        between = time.perf_counter()
        pairs = list(zip(paths, [*paths[1:], paths[0]], strict=True))
        compared = len(list(spread(distance_of, pairs, chosen.workers)))
        after = time.perf_counter()
    audio = chosen.clips * chosen.seconds
    report = {
        "clips": chosen.clips,
        "seconds a clip": chosen.seconds,
        "workers": chosen.workers,
        "start seconds": round(start, 1),
        "measurements and faults": speed(between - before, start, audio),
        "distances": {"pairs": compared, **speed(after - between, start, audio)},
        "load before": round(load, 2),
    }
    print("\n".join(f"{name}: {value}" for name, value in report.items()), file=sys.stderr)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
