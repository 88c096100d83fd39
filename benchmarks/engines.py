"""Time the engines of `art2mus dataset` on one scan of pictures (`art2mus_core/datasets/engines.py`).

    python benchmarks/engines.py [--pictures 2000] [--size 640] [--workers 2]

The pictures are made for it, in a temporary folder. Columns: `seconds` of the scan with the engine's start; `start` until the first result;
`ms` a picture afterwards. One process of its own (`alone`) is the first row. Needs the extra ray for the engine ray.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from art2mus_core.datasets.engines import ENGINES
from art2mus_core.datasets.listing import list_source
from art2mus_core.datasets.scanning import scan_artworks


def draw(folder: Path, count: int, size: int) -> Path:
    folder.mkdir()
    drawn = np.random.default_rng(0)
    for number in range(count):
        small = Image.fromarray(drawn.integers(0, 256, (24, 32, 3), np.uint8))
        small.resize((size, 3 * size // 4)).save(folder / f"{number:05d}.jpg")
    return folder


def timed(spread, pictures: Path, data: Path) -> tuple[float, float]:
    """Seconds of a scan, and those until the first result."""
    first = list[float]()
    listing = list_source(data, "artworks", pictures, "folder")
    started = time.perf_counter()
    scan_artworks(listing, data, spread, on_step=lambda _: first or first.append(time.perf_counter() - started))
    return time.perf_counter() - started, first[0]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pictures", type=int, default=2000)
    options.add_argument("--size", type=int, default=640)
    options.add_argument("--workers", type=int, default=2)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        pictures = draw(Path(place, "pictures"), chosen.pictures, chosen.size)
        tables = set[bytes]()
        for name in ("alone", *ENGINES):
            spread = partial(
                ENGINES["local" if name == "alone" else name], workers=1 if name == "alone" else chosen.workers
            )
            data = Path(place, name)
            seconds, start = timed(spread, pictures, data)
            tables.add((data / "artworks.parquet").read_bytes())
            each = 1000 * (seconds - start) / chosen.pictures
            print(f"{name}: {seconds:.1f} seconds, start {start:.1f}, {each:.1f} ms", flush=True)
        print(f"{len(tables)} different table(s)")


if __name__ == "__main__":
    main()
