"""Measure memory and time of a dataset's steps with many rows (`art2mus_core/datasets`), each step in a process of its own.

    python benchmarks/dataset_scale.py [--rows 10000 100000] [--width 1024] [--steps artworks music pair] [--folder FOLDER]

Pictures and pieces are made up: links to one small PNG and one second of sound, so opening them costs little and what remains is the pipeline. The
embeddings are those of `retrieval/made.py`. Prints the peak memory of each step in GB, and its ratio to that with the fewest rows.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

STEPS = ("artworks", "music", "pair")
SHARD = 256


def make_files(root: Path, kind: str, count: int) -> Path:
    """A folder with `count` times the same file, in subfolders of 1,000, which are links to one (file systems limit the links to a file)."""
    from PIL import Image  # noqa: PLC0415 - each step imports only what it needs

    folder = root / f"{kind}-{count}"
    first = folder / ("first.png" if kind == "artworks" else "first.wav")
    folder.mkdir(parents=True)
    if kind == "artworks":
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 36, 3), np.uint8)).save(first)
    else:
        import torch  # noqa: PLC0415

        from art2mus_core.audio.files import write_audio  # noqa: PLC0415
        from art2mus_core.types import Waveform  # noqa: PLC0415

        noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 1, 8800)).astype(np.float32)
        write_audio(first, Waveform(torch.from_numpy(noise), 8000), tags={}, cover=None)
    for number in range(count - 1):
        place = folder / f"{number // 1000:03d}"
        if not place.exists():
            place.mkdir()
            own = shutil.copy(first, place / f"{number:06d}{first.suffix}")
        else:
            os.link(own, place / f"{number:06d}{first.suffix}")
    return folder


def scan(kind: str, source: Path, data: Path) -> None:
    from art2mus_core.datasets.listing import list_source  # noqa: PLC0415
    from art2mus_core.datasets.scanning import scan_artworks, scan_music  # noqa: PLC0415
    from art2mus_core.datasets.workers import spread  # noqa: PLC0415

    listing = list_source(data, kind, source, "folder")
    (scan_artworks if kind == "artworks" else scan_music)(listing, data, partial(spread, workers=1))


def make_embedded(data: Path, count: int, width: int) -> None:
    """A dataset of `count` rows on each side with made embeddings, and no files."""
    from art2mus_core.datasets.tables import ARTWORKS, MUSIC, ArtworkRow, MusicRow  # noqa: PLC0415
    from art2mus_core.datasets.vectors import Embedded, write_shard  # noqa: PLC0415
    from art2mus_core.retrieval.made import made_pairs  # noqa: PLC0415

    for table, row, vectors in zip((ARTWORKS, MUSIC), (ArtworkRow, MusicRow), made_pairs(count, width, 0), strict=True):
        kind = table.file.removesuffix(".parquet")
        table.write(data / table.file, (row(str(n), f"{n}", f"creator {n}", file_sha256=str(n)) for n in range(count)))
        place = data / "embeddings" / f"{kind}-made"
        place.mkdir(parents=True)
        for start in range(0, count, SHARD):
            rows = [Embedded(str(n), str(n), vectors[n]) for n in range(start, min(start + SHARD, count))]
            path = place / f"{start // SHARD:06d}.parquet"
            write_shard({"space": "made", "encoder": "made"}, path, rows)
            path.with_suffix(".json").write_text(
                json.dumps({"made_from": "", "rows": len(rows), "failed": {}}), encoding="utf-8"
            )


def pair(data: Path, mode: str) -> None:
    from art2mus_core.datasets.pairing import Rule  # noqa: PLC0415
    from art2mus_core.datasets.pairing import pair as run  # noqa: PLC0415

    told = run(data, "made", Rule(mode=mode))
    print(
        {name: facts["pairs"] for name, facts in told["splits"].items()},
        told["splits"]["train"].get("certificate"),
        flush=True,
    )


def measured(*step: str) -> tuple[float, float]:
    """Seconds and peak memory in GB of a step in a process of its own."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, __file__, "--step", *step])  # noqa: S603 - this script
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(step)} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 1e6


def run_step(step: str, *arguments: str) -> None:
    {
        "files": lambda root, kind, count: make_files(Path(root), kind, int(count)),
        "scan": lambda kind, source, data: scan(kind, Path(source), Path(data)),
        "embedded": lambda data, count, width: make_embedded(Path(data), int(count), int(width)),
        "pair": lambda data, mode: pair(Path(data), mode),
    }[step](*arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument("--mode", default="nearest")
    parser.add_argument("--folder", type=Path, help="where the made files go; a temporary folder if left out")
    parser.add_argument("--step", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        run_step(*options.step)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for step in options.steps:
            first = None
            for rows in options.rows:
                data = Path(folder) / f"data-{step}-{rows}"
                if step == "pair":
                    measured("embedded", str(data), str(rows), str(options.width))
                    seconds, memory = measured("pair", str(data), options.mode)
                else:
                    measured("files", folder, step, str(rows))
                    seconds, memory = measured("scan", step, f"{folder}/{step}-{rows}", str(data))
                first = first or memory
                print(
                    f"{step} {rows} rows: {seconds:.0f} s, {memory:.3f} GB, {memory / first:.2f} times the first",
                    flush=True,
                )


if __name__ == "__main__":
    main()
