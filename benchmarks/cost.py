"""Measures wall time and peak memory of `art2mus compose`, including process start, with an earlier commit's tree beside this one.

    python benchmarks/cost.py ARTWORK... [--first TREE] [--model pocket] [--runs 5] [--many 24] [-- OPTION...]

Composes one piece several times, then a folder of `--many` pictures (the artworks, repeated); the trees take turns, the earlier one with
its bundled model. Memory is the largest resident set of all processes together. Options after `--` are passed to `art2mus compose`. The table goes
to standard error, one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from trees import PACK, compose  # beside this script


def report(singles: list[tuple[float, float]], folder: tuple[float, float], many: int) -> dict[str, Any]:
    return {
        "one piece, seconds": [round(wall, 2) for wall, _ in singles],
        "median": round(statistics.median(wall for wall, _ in singles), 2),
        "peak GB": round(max(memory for _, memory in singles), 2),
        "seconds a piece of the folder": round(folder[0] / many, 3),
        "folder peak GB": round(folder[1], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artworks", type=Path, nargs="+")
    parser.add_argument("--first", type=Path, default=None, help="a checked-out tree of an earlier commit")
    parser.add_argument("--model", default="pocket", help="this tree's model")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--many", type=int, default=24)
    typed = sys.argv[1:]
    split = typed.index("--") if "--" in typed else len(typed)
    chosen, options = parser.parse_args(typed[:split]), typed[split + 1 :]
    trees = {**({"first": (chosen.first, "pocket")} if chosen.first else {}), "this": (PACK, chosen.model)}
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place, "artworks"), str(Path(place, "music"))
        folder.mkdir()
        for index in range(chosen.many):
            source = chosen.artworks[index % len(chosen.artworks)]
            shutil.copy(source, folder / f"{index:03d}{source.suffix}")

        def cost(name: str, artworks: Path, target: str) -> tuple[float, float]:
            tree, model = trees[name]
            return compose(tree, str(artworks), "--out", target, "--model", model, *options)

        turns = [
            {name: cost(name, chosen.artworks[0], f"{out}.flac") for name in trees} for _ in range(chosen.runs + 1)
        ]
        found = {
            name: report([turn[name] for turn in turns[1:]], cost(name, folder, f"{out}-{name}"), chosen.many)
            for name in trees
        }
    if chosen.first:
        values = [name for name, value in found["this"].items() if isinstance(value, float)]
        found["ratio"] = {name: round(found["this"][name] / found["first"][name], 2) for name in values}
    for name, values in found.items():
        print(f"{name}: {json.dumps(values)}", file=sys.stderr)
    print(json.dumps({**found, "folder": chosen.many, "options": options}))


if __name__ == "__main__":
    main()
