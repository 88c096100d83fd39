"""What evaluations are made of in tests: sounds, a dataset, and configurations over tiny checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.datasets.manifest import Pair, write_manifest
from art2mus_core.evaluation.config import EvaluationConfig
from art2mus_core.images.reading import read_artwork
from art2mus_core.types import Waveform

RATE = 1600


def write_sound(path: Path, seed: int, seconds: float = 1.5) -> Path:
    """Noise of a seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    samples = rng.uniform(-0.5, 0.5, size=(1, 1, round(seconds * RATE))).astype(np.float32)
    write_audio(path, Waveform(torch.from_numpy(samples), RATE), tags={}, cover=None)
    return path


def write_dataset(folder: Path, splits: dict[str, int]) -> Path:
    """A manifest with so many pairs a split, of random pictures and sounds; every artwork but the first has a caption."""
    pairs, rng = [], np.random.default_rng(3)
    (folder / "artworks").mkdir(parents=True)
    for split, count in splits.items():
        for number in range(count):
            name = f"{split}{number}"
            picture = folder / "artworks" / f"{name}.png"
            Image.fromarray(rng.integers(256, size=(13, 17, 3), dtype=np.uint8)).save(picture)
            sound = write_sound(folder / "music" / f"{name}.flac", len(pairs))
            pairs.append(
                Pair(
                    id=name,
                    split=split,
                    artwork=f"artworks/{name}.png",
                    artwork_sha256=read_artwork(picture).sha256,
                    music=f"music/{sound.name}",
                    seconds=1.5,
                    sample_rate=RATE,
                    source="synthetic",
                    licence="CC0-1.0",
                    artwork_caption=f"Music of place {number}" if number else None,
                    music_caption=f"music {number}",
                )
            )
    write_manifest(folder, pairs)
    return folder


def configured(base: Path, **fields) -> EvaluationConfig:
    """A configuration as a file in `base` would have it: one second, one step."""
    return EvaluationConfig.model_validate({"seconds": 1.0, **fields}, context={"base": base})
