"""Measures the spread of music for real paintings, and whether it follows the paintings' statistics.

    python benchmarks/paintings.py FOLDER [--model NAME] [--seeds 3] [--sheet OUT.png [--measured]]

For every artwork of the folder: the musical character that the image encoder sees, and the measurements of its music (mean over seeds).
Below: the range of onset rate and loudness, and rank correlations with the character. The sheet shows the music of the first
seed beside the paintings, or with `--measured` beside their statistics, for use where the paintings cannot be shown. The table
goes to standard error, one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from contact_sheet import draw_contact_sheet  # beside this script
from scipy import stats

from art2mus_core.audio.mel import MelTransform
from art2mus_core.character import CHARACTERS
from art2mus_core.figures.overview import describe_artwork, draw_bars
from art2mus_core.figures.paper import save_image, sheet
from art2mus_core.images.listing import list_artworks
from art2mus_core.images.reading import read_artwork
from art2mus_core.measure.sound.music import measure
from art2mus_core.pipelines import load
from art2mus_core.types import Artwork

SIDE, TEXT = 300, 18
HEARD = ("onset_rate", "loudness", "brightness", "mode", "register", "in_tune")
FOLLOWS = {
    "onset_rate": "arousal",
    "loudness": "arousal",
    "brightness": "warmth",
    "mode": "valence",
    "register": "height",
}


def portrait(artwork: Artwork) -> Artwork:
    """A drawing of a painting's statistics, to replace the painting."""
    image, pen = sheet(SIDE, SIDE)
    draw_bars(pen, (0, 0, SIDE), "percentiles", describe_artwork(artwork), TEXT)
    return replace(artwork, pixels=torch.from_numpy(np.array(image)).permute(2, 0, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sheet", type=Path, default=None)
    parser.add_argument("--measured", action="store_true")
    chosen = parser.parse_args()
    pipeline = load(chosen.model)
    artworks = [read_artwork(path) for path in list_artworks(chosen.folder)]
    pieces = [pipeline.compose(artworks, seeds=[seed] * len(artworks)) for seed in range(chosen.seeds)]
    causes = [pipeline.character(artwork) for artwork in artworks]
    rows = []
    for index, (artwork, cause) in enumerate(zip(artworks, causes, strict=True)):
        heard = [measure(piece[index]) for piece in pieces]
        means = {name: float(np.mean([getattr(one, name) for one in heard])) for name in HEARD}
        rows.append({"artwork": artwork.name, **{name: getattr(cause, name) for name in CHARACTERS}, **means})
        print(json.dumps({k: v if isinstance(v, str) else round(v, 2) for k, v in rows[-1].items()}), file=sys.stderr)
    column = {name: np.array([row[name] for row in rows]) for name in (*CHARACTERS, *HEARD)}
    summary = {
        "onset rate, most over least": float(column["onset_rate"].max() / max(column["onset_rate"].min(), 1e-9)),
        "loudness, most less least (dB)": float(np.ptp(column["loudness"])),
        **{f"{a}~{b}": float(stats.spearmanr(column[a], column[b])[0]) for a, b in FOLLOWS.items()},
    }
    if chosen.sheet:
        transform = MelTransform(pipeline.parts.grid)
        mels = [transform(piece.samples[:, 0])[0] for piece in pieces[0]]
        captions = [
            f"{row['artwork']}: {row['onset_rate']:.1f} onsets/s, {row['loudness']:.0f} LUFS, mode {row['mode']:+.2f}"
            for row in rows
        ]
        shown = [portrait(artwork) for artwork in artworks] if chosen.measured else artworks
        save_image(draw_contact_sheet(list(zip(shown, mels, captions, strict=True))), chosen.sheet)
    print(json.dumps({"model": chosen.model, "seeds": chosen.seeds, "rows": rows, "summary": summary}))


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
