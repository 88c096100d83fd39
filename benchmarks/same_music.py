"""Compares the bundled model's music for every sample artwork before and after a change.

    python benchmarks/same_music.py [--before HEAD] [--seconds 5] [--solvers dpm++2m-karras ddim]

The earlier commit, by default the last one, is checked out into a temporary folder (`git worktree`). `art2mus compose` of both trees
runs in this environment, with shared noise and without levelling where a tree has these options, so that commits before them compare
too. The pieces' samples are compared bit by bit. One JSON document with the differences goes to the last line of standard output; the
exit code is 1 if a piece differs, as with a commit of other weights.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from trees import PACK, checked_out, compose  # beside this script


def compose_samples(tree: Path, out: Path, solver: str, seconds: float) -> None:
    """Compose all sample artworks with the code and the weights of a tree."""
    chosen = ["--seconds", str(seconds), "--solver", solver, "--seed", "7", "--precision", "float32"]
    known = (tree / "art2mus_core" / "cli" / "compose.py").read_text(encoding="utf-8")
    chosen += [option for option in ("--shared-noise", "--no-level") if option in known]
    compose(tree, str(PACK / "art2mus_core" / "samples"), "--out", str(out), *chosen, threads=1)


def samples(path: Path) -> np.ndarray:
    """The samples of a sound file."""
    with av.open(str(path)) as file:
        return np.concatenate([frame.to_ndarray() for frame in file.decode(audio=0)], axis=-1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default="HEAD", help="the earlier commit")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--solvers", nargs="+", default=["dpm++2m-karras", "ddim"])
    chosen = parser.parse_args()
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        with checked_out(chosen.before) as before:
            for solver in chosen.solvers:
                for name, tree in (("before", before), ("after", PACK)):
                    compose_samples(tree, Path(place, name, solver), solver, chosen.seconds)
        for old in sorted(Path(place, "before").rglob("*.flac")):
            piece = old.relative_to(Path(place, "before"))
            first, second = samples(old).astype(np.float64), samples(Path(place, "after", piece)).astype(np.float64)
            equal = first.shape == second.shape
            found[str(piece)] = float(np.abs(first - second).max()) if equal else float("inf")
    different = {piece: error for piece, error in found.items() if error}
    print(json.dumps({"before": chosen.before, "pieces": len(found), "different": different}))
    sys.exit(1 if different or not found else 0)


if __name__ == "__main__":
    main()
