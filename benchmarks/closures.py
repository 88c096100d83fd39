"""Writes an aligner that was trained without pairs with each closure of the gap, to compare them on the same weights.

    python benchmarks/closures.py FILE DATA --out FOLDER [--model FOLDER] [--calibration 64 ...] [--seed 0]

FILE is the aligner, DATA the dataset of its training with pairs, MODEL the prior. Writes FOLDER/STEM-none, STEM-shift and, for every number
of pairs, STEM-calibrated-COUNT, which `quality.py --aligners` takes. The pairs of a calibration are those that training would take with the
same seed. Prints the mean cosine of held-out pairs, and of held-out artworks with other pairs' music, after each closure.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from art2mus_core.aligners.files import load_aligner, read_header, save_aligner
from art2mus_core.aligners.gap import GapClosure
from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.checkpoints.names import locate
from art2mus_core.training.features.dataset import Dataset
from art2mus_core.training.features.latents import embed_artworks, embed_sounds
from art2mus_core.training.objectives.gap import CLOSURES


def likeness(artworks: torch.Tensor, sounds: torch.Tensor, closure: GapClosure | None) -> dict[str, float]:
    """The mean cosine of pairs, and of all other combinations."""
    moved = artworks if closure is None else closure(artworks)
    cosines = F.normalize(moved, dim=-1) @ F.normalize(sounds, dim=-1).T
    own = float(cosines.diag().mean())
    others = float((cosines.sum() - cosines.diag().sum()) / (cosines.numel() - len(cosines)))
    return {"pairs": round(own, 4), "others": round(others, 4)}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--calibration", type=int, nargs="*", default=[64])
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    folder, device = locate(chosen.model), torch.device("cpu")
    data = Dataset(chosen.data, read_grid(folder))
    sides = embed_artworks(data, folder, device, patches=False), embed_sounds(data, folder, device)

    def both(rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        return sides[0].of(rows).values, sides[1].of(rows).values

    rows = data.rows("train")
    closures: dict[str, GapClosure | None] = {"none": None, "shift": CLOSURES["shift"](*both(rows))}
    for count in chosen.calibration:
        some = np.random.default_rng(chosen.seed).permutation(rows)[:count]
        closures[f"calibrated-{count}"] = CLOSURES["calibrated"](*both(some))
    header = read_header(chosen.file)
    origin = {"encoder": header.encoder, "prior": header.prior, "language": header.language}
    held, report = both(data.rows("validation")), {}
    for name, closure in closures.items():
        aligner = load_aligner(chosen.file, space=header.space, width=header.width)
        aligner.gap = closure
        path = chosen.out / f"{chosen.file.stem}-{name}.safetensors"
        save_aligner(path, aligner, licence=header.licence or "", run=header.run or "", half=True, **origin)
        report[name] = likeness(*held, closure)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
