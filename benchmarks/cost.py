"""Measures wall time and peak memory of `art2mus compose`, including process start, with an earlier commit's tree beside this one.

    python benchmarks/cost.py ARTWORK... [--before COMMIT] [--model pocket] [--runs 5] [--many 24] [--folders 1] [-- OPTION...]

Composes one piece several times, then `--folders` times a folder of `--many` pictures (the artworks, repeated); the commits take turns,
the earlier one with its bundled model. Memory is the largest resident set of all processes together. Options after `--` are passed to `art2mus compose`. The table goes
to standard error, one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from trees import PACK, checked_out, compose  # beside this script


def report(singles: list[tuple[float, float]], folders: list[tuple[float, float]], many: int) -> dict[str, Any]:
    return {
        "one piece, seconds": [round(wall, 2) for wall, _ in singles],
        "median": round(statistics.median(wall for wall, _ in singles), 2),
        "peak GB": round(max(memory for _, memory in singles), 2),
        "seconds a piece of the folder": round(statistics.median(wall for wall, _ in folders) / many, 3),
        "folder peak GB": round(max(memory for _, memory in folders), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artworks", type=Path, nargs="+")
    parser.add_argument("--before", help="an earlier commit")
    parser.add_argument("--model", default="pocket", help="this tree's model")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--many", type=int, default=24)
    parser.add_argument("--folders", type=int, default=1)
    typed = sys.argv[1:]
    split = typed.index("--") if "--" in typed else len(typed)
    chosen, options = parser.parse_args(typed[:split]), typed[split + 1 :]
    with checked_out(chosen.before) if chosen.before else nullcontext() as before:
        trees = {**({"before": (before, "pocket", [])} if before else {}), "this": (PACK, chosen.model, options)}
        found = measure(trees, chosen)
    if chosen.before:
        values = [name for name, value in found["this"].items() if isinstance(value, float)]
        found["ratio"] = {name: round(found["this"][name] / found["before"][name], 2) for name in values}
    for name, values in found.items():
        print(f"{name}: {json.dumps(values)}", file=sys.stderr)
    figures = {f"{name}, {what}": str(value) for name, values in found.items() for what, value in values.items()}
    print(json.dumps({**found, "folder": chosen.many, "options": options, "figures": figures}))


def measure(trees: dict[str, Any], chosen: argparse.Namespace) -> dict[str, Any]:
    """What each tree costs; they take turns."""
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place, "artworks"), str(Path(place, "music"))
        folder.mkdir()
        for index in range(chosen.many):
            source = chosen.artworks[index % len(chosen.artworks)]
            shutil.copy(source, folder / f"{index:03d}{source.suffix}")

        def cost(name: str, artworks: Path, target: str) -> tuple[float, float]:
            tree, model, options = trees[name]
            return compose(tree, str(artworks), "--out", target, "--model", model, *options)

        singles = [
            {name: cost(name, chosen.artworks[0], f"{out}.flac") for name in trees} for _ in range(chosen.runs + 1)
        ]
        folders = [{name: cost(name, folder, f"{out}-{name}") for name in trees} for _ in range(chosen.folders)]
    return {
        name: report([turn[name] for turn in singles[1:]], [turn[name] for turn in folders], chosen.many)
        for name in trees
    }


if __name__ == "__main__":
    main()
