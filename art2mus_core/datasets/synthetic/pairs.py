"""Synthetic pairs of artwork and music, each determined by one seed: paint, measure, compose."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from PIL import Image

from ...audio.files import write_audio
from ...errors import DatasetError, SettingError
from ...measure.pictures import measure
from ...placing import replacing
from ...types import OnStep, Step, Waveform
from ..manifest import MANIFEST, Pair, read_manifest, write_manifest
from ..workers import spread
from .correspondence import character
from .painting import paint
from .rendering import RATE, compose

__all__ = ["SECONDS", "synthesize"]

SECONDS = 10.0
LICENCE = "CC0-1.0"


def split_of(index: int, count: int) -> str:
    """The split of a pair: the last twentieth is for testing, the one before it for validation."""
    held = max(1, count // 20)
    if index >= count - held:
        return "test"
    return "validation" if index >= count - 2 * held else "train"


def synthesize(
    folder: Path, count: int, *, first_seed: int = 0, workers: int = 1, on_step: OnStep | None = None
) -> list[Pair]:
    """Make `count` pairs in `folder`; existing files are kept, so an interrupted run resumes.

    Raises:
        SettingError: fewer than three pairs, or a negative seed.
        DatasetError: `folder` has another dataset.
    """
    if count < 3 or first_seed < 0:
        raise SettingError(
            f"count {count}, first seed {first_seed}", "at least 3 pairs and a seed of 0 or more", "Choose others."
        )
    folder = Path(folder)
    if (folder / MANIFEST).is_file() and any(pair.source != "synthetic" for pair in read_manifest(folder)):
        raise DatasetError(
            f"{folder} contains another dataset", "an empty folder or synthetic pairs", "Choose another."
        )
    for name in ("artworks", "music"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    pairs = []
    job = partial(_write_pair, folder, first_seed, count)
    for done, pair in enumerate(spread(job, range(count), workers), start=1):
        pairs.append(pair)
        if on_step:
            on_step(Step("pairs", done, count))
    write_manifest(folder, pairs)
    return pairs


def _write_pair(folder: Path, first_seed: int, count: int, index: int) -> Pair:
    seed = first_seed + index
    name = f"{seed:07d}"
    picture, sound = folder / "artworks" / f"{name}.png", folder / "music" / f"{name}.flac"
    artwork = paint(seed)
    statistics = measure(artwork)
    cause = character(statistics)
    if not sound.is_file():
        samples = torch.from_numpy(compose(cause, seed, SECONDS))[None, None]
        write_audio(sound, Waveform(samples, RATE), tags={"title": name, "comment": "synthetic, CC0-1.0"}, cover=None)
    if not picture.is_file():
        with replacing(picture) as partial_file:
            Image.fromarray(artwork.pixels.permute(1, 2, 0).numpy()).save(partial_file, "PNG", compress_level=3)
    return Pair(
        id=name,
        split=split_of(index, count),
        artwork=f"artworks/{name}.png",
        artwork_sha256=artwork.sha256,
        music=f"music/{name}.flac",
        seconds=SECONDS,
        sample_rate=RATE,
        source="synthetic",
        licence=LICENCE,
        seed=seed,
        statistics=asdict(statistics),
        character={key: float(value) for key, value in asdict(cause).items()},
    )
