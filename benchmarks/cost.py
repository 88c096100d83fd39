"""Measures wall time and peak memory of `art2mus compose`, including process start.

    python benchmarks/cost.py ARTWORK... [--runs 5] [--many 24] [-- OPTION...]

Composes one piece several times, then a folder of `--many` pictures (the artworks, repeated). Options after `--` are passed to
`art2mus compose`. The table goes to standard error, one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from trees import PACK, compose  # beside this script


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artworks", type=Path, nargs="+")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--many", type=int, default=24)
    typed = sys.argv[1:]
    split = typed.index("--") if "--" in typed else len(typed)
    chosen, options = parser.parse_args(typed[:split]), typed[split + 1 :]
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place, "artworks"), str(Path(place, "music"))
        folder.mkdir()
        for index in range(chosen.many):
            source = chosen.artworks[index % len(chosen.artworks)]
            shutil.copy(source, folder / f"{index:03d}{source.suffix}")
        singles = [
            compose(PACK, str(chosen.artworks[0]), "--out", f"{out}.flac", *options) for _ in range(chosen.runs + 1)
        ][1:]
        seconds, peak = compose(PACK, str(folder), "--out", out, *options)
    report = {
        "one piece, seconds": [round(wall, 2) for wall, _ in singles],
        "median": round(statistics.median(wall for wall, _ in singles), 2),
        "peak GB": round(max(memory for _, memory in singles), 2),
        "folder": chosen.many,
        "seconds a piece": round(seconds / chosen.many, 3),
        "folder peak GB": round(peak, 2),
        "options": options,
    }
    print("\n".join(f"{name}: {value}" for name, value in report.items()), file=sys.stderr)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
