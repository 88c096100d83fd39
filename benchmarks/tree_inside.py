"""What `trees.py` runs inside a tree: questions that the code of every edition can answer.

    python benchmarks/tree_inside.py QUESTION ARGUMENTS

The arguments are one JSON object. The answer goes to the last line of standard output, with the folder of the code that ran.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

import art2mus_core
from art2mus_core.checkpoints.names import locate
from art2mus_core.encoders.files import load_image_encoder
from art2mus_core.images.reading import read_artwork
from art2mus_core.pipelines import load

BATCH = 8


def pictures(artworks: list[str], model: str) -> dict[str, Any]:
    """The intended character of each artwork, what it follows from, and the milliseconds that the image encoder needs for one."""
    encoder = load_image_encoder(locate(model), dtype=torch.float32)
    opened = [read_artwork(path) for path in artworks]
    encoder.encode(opened[:1])
    seconds = []
    for artwork in opened:
        started = time.perf_counter()
        encoder.encode([artwork])
        seconds.append(time.perf_counter() - started)
    return {
        "characters": characters(encoder, opened),
        "by": "encoder" if hasattr(encoder, "characters") else "statistics",
        "milliseconds": 1000 * statistics.median(seconds),
    }


def characters(encoder: Any, artworks: list[Any]) -> list[dict[str, float]]:
    """The character that music for each artwork is meant to have; the first edition's follows from statistics alone."""
    if hasattr(encoder, "characters"):
        return [asdict(each) for each in encoder.characters(artworks)]
    from art2mus_core.datasets.synthetic.correspondence import character  # noqa: PLC0415

    from art2mus_core.measure.pictures import measure  # noqa: PLC0415

    return [asdict(character(measure(artwork))) for artwork in artworks]


def pieces(artworks: list[str], seeds: list[int], dtype: str, seconds: float, out: str) -> int:
    """Write each artwork's music, with its seed and the tree's defaults, as `NUMBER.npy` [channels, samples]; the sample rate."""
    pipeline = load(dtype=getattr(torch, dtype))
    for start in range(0, len(artworks), BATCH):
        opened = [read_artwork(path) for path in artworks[start : start + BATCH]]
        made = pipeline.compose(opened, seeds=seeds[start : start + BATCH], seconds=seconds)
        for number, piece in enumerate(made, start):
            np.save(Path(out, f"{number}.npy"), piece.samples[0].numpy())
    return pipeline.parts.grid.sample_rate


if __name__ == "__main__":
    question, arguments = sys.argv[1:]
    with torch.inference_mode():
        found = {"pictures": pictures, "pieces": pieces}[question](**json.loads(arguments))
    print(json.dumps({"code": art2mus_core.__path__[0], "answer": found}))
