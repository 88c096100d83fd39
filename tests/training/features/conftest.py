"""Eight small pairs, and their features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.datasets.manifest import Pair, write_manifest
from art2mus_core.images.reading import read_artwork
from art2mus_core.training.features import hearing, looking
from art2mus_core.training.features.dataset import Dataset, Working
from art2mus_core.types import Waveform

CPU = torch.device("cpu")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Eight pairs of six pictures and five sounds of unlike rates and lengths; two train, four validate, two test."""
    rng, folder = np.random.default_rng(3), tmp_path / "small"
    folder.mkdir()
    for number in range(6):
        picture = rng.integers(0, 256, (20 + number, 30, 3), np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.png")
    rates = (1600, 8000, 1600, 11_025, 2400)
    for number, rate in enumerate(rates):
        noise = torch.from_numpy(rng.uniform(-0.3, 0.3, (1, 1 + number % 2, round(rate * (1.0 + number / 7))))).float()
        write_audio(folder / f"{number}.wav", Waveform(noise, rate), tags={}, cover=None)
    sides = [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 0), (0, 1), (1, 4)]
    splits = ["train"] * 2 + ["validation"] * 4 + ["test"] * 2
    rows = [
        Pair(
            id=str(row),
            split=split,
            artwork=f"{picture}.png",
            artwork_sha256=read_artwork(folder / f"{picture}.png").sha256,
            music=f"{sound}.wav",
            seconds=1.0 + sound / 7,
            sample_rate=rates[sound],
            source="noise",
            licence="CC0-1.0",
        )
        for row, ((picture, sound), split) in enumerate(zip(sides, splits, strict=True))
    ]
    write_manifest(folder, rows)
    return folder


def dataset_of(folder: Path, checkpoint: Path, **working: Any) -> Dataset:
    return Dataset(folder, read_grid(checkpoint), working=Working(**working))


class Opened:
    """Counts the files that are read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths = list[str]()
        for module, name in ((hearing, "read_audio"), (looking, "read_artwork")):
            monkeypatch.setattr(module, name, self.counted(getattr(module, name)))

    def counted(self, read: Callable[..., Any]) -> Callable[..., Any]:
        def reading(path: Path, *arguments: Any, **options: Any) -> Any:
            self.paths.append(Path(path).name)
            return read(path, *arguments, **options)

        return reading
