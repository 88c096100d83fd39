"""Measures the pack's cost in ComfyUI, and the difference between ComfyUI's sampler and ours.

    COMFYUI_HOME=... COMFYUI_PYTHON=... python benchmarks/host.py [--prompts 200] [--model CHECKPOINT]
    ... python benchmarks/host.py --caches PICTURES [--count 8] [--rows ROW ...] [--model CHECKPOINT]

Start-up compares this pack with an empty one in the same process. Sampling uses the bundled model, or `--model`. Prompts run on
a server without a cache: 20 to warm up, then `--prompts`. Memory is measured before and after, in total and without freed
memory that the C library has kept. The table goes to standard error, one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

PACK = Path(__file__).resolve().parents[1]
HOST = PACK / "tests" / "host"
sys.path[:0] = [str(HOST), str(PACK)]

from comfyui import PYTHON, ComfyUI  # noqa: E402  a script's neighbour
from graphs import graph  # noqa: E402
from presets import MEASURES, Row, apart  # noqa: E402

from art2mus_core.images.listing import list_artworks  # noqa: E402
from art2mus_core.measure.sound.music import measure_samples  # noqa: E402

WARM_UP = 20

ROWS = ("30", "30:EasyCache:.2", "30:LazyCache:.2", "24", "16")


def inside(*arguments: object) -> dict:
    """The JSON output of host_inside.py."""
    script = Path(__file__).with_name("host_inside.py")
    command = [PYTHON, str(HOST / "start_host.py"), "--run", str(script), str(PACK), *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  our own scripts
    return json.loads(done.stdout.splitlines()[-1])


def start(times: int) -> dict:
    """Median milliseconds over new processes."""
    found = [inside("start") for _ in range(times)]
    medians = {name: statistics.median(one[name] for one in found) for name in ("empty pack", "this pack")}
    return {
        **{f"{name}, ms": round(value, 1) for name, value in medians.items()},
        "cost of the pack, ms": round(medians["this pack"] - medians["empty pack"], 1),
        "imported for it": found[-1]["imported"],
    }


def prompts(count: int, *, trim: bool) -> dict:
    """Megabytes of the server before and after the prompts; `trim` excludes freed memory that the C library keeps."""
    query = "/probe?trim=1" if trim else "/probe"
    with tempfile.TemporaryDirectory() as place:
        packs = {"probe": HOST / "probe"}
        with ComfyUI(Path(place), {}, ("--cache-none",), packs) as server:
            memory = []
            for seed in range(WARM_UP + count):
                server.outputs(server.run(graph("pocket", seconds=1.0, steps=2, seed=seed)))
                if seed + 1 >= WARM_UP and (seed + 1 - WARM_UP) % 20 == 0:
                    memory.append(server.get(query)["bytes"] / 1e6)
                    print(f"{seed + 1} prompts: {memory[-1]:.1f} MB", file=sys.stderr)
    kind = " in use" if trim else ""
    return {
        f"MB{kind} after {WARM_UP} prompts": round(memory[0], 1),
        f"MB{kind} after {count} more": round(memory[-1], 1),
        f"growth{kind}, %": round(100 * (memory[-1] / memory[0] - 1), 2),
    }


def caches(model: Path, pictures: list[Path], rows: list[str], seconds: float) -> dict:
    """Cost of the rows, and their distance to the first."""
    told = [_told(row) for row in rows] + [{**_told(rows[0]), "node": "next"}]
    names, report = [*rows, f"{rows[0]}, next seed"], {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        task = {"seconds": seconds, "pictures": list(map(str, pictures)), "rows": told}
        (folder / "rows.json").write_text(json.dumps(task))
        found = inside("caches", model, folder)
        measured = [Row(name, {}, 0) for name in names]
        for index, row in enumerate(measured):
            for number in range(len(pictures)):
                music = asdict(measure_samples(np.load(folder / f"{index}-{number}.npy"), found[index]["rate"]))
                row.pieces.append({name: value for name, value in music.items() if name in MEASURES})
    for name, one, row in zip(names, found, measured, strict=True):
        means = {"evaluations": one["evaluations"] / len(pictures), "seconds": one["seconds"] / len(pictures)}
        far = {
            "latent": statistics.mean(one["latent"]),
            "largest": max(one["latent"]),
            "apart": apart(row, measured[0]),
        }
        report[name] = {key: float(f"{value:.3g}") for key, value in (means | far).items()}
    return report


def _told(row: str) -> dict:
    """A row as `_cached` of host_inside.py takes it; the nodes start at .15 and end at .95 by default."""
    steps, *node = row.split(":")
    return {
        "steps": int(steps),
        "node": node[0] if node else "",
        "told": [float(each) for each in [*node[1:], ".15"][:2]] + [0.95],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--model", type=Path, default=PACK / "art2mus_core" / "pocket")
    parser.add_argument("--caches", type=Path, metavar="PICTURES")
    parser.add_argument("--count", type=int, default=8, help="pictures, spread over the folder")
    parser.add_argument("--rows", nargs="+", default=ROWS, metavar="ROW")
    parser.add_argument("--seconds", type=float, default=10.0)
    chosen = parser.parse_args()
    if chosen.caches:
        pictures = list_artworks(chosen.caches)
        spread = [pictures[len(pictures) * index // chosen.count] for index in range(chosen.count)]
        report = caches(chosen.model, spread, list(chosen.rows), chosen.seconds)
    else:
        report = start(chosen.starts) if chosen.starts else {}
        report |= {name: float(f"{value:.3g}") for name, value in inside(chosen.model).items()}
        if chosen.prompts:
            report |= prompts(chosen.prompts, trim=False) | prompts(chosen.prompts, trim=True)
    print("\n".join(f"{name}: {value}" for name, value in report.items()), file=sys.stderr)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
