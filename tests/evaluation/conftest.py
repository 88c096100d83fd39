"""A small study with a known cause: pictures that were painted, and music that was composed after them, or after others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.character import character
from art2mus_core.datasets.synthetic.painting.painter import paint
from art2mus_core.datasets.synthetic.rendering import compose
from art2mus_core.images.reading import read_artwork
from art2mus_core.measure.pictures import measure
from art2mus_core.types import Waveform

ARTWORKS, SECONDS, RATE = 7, 3.0, 16_000


def write(path: Path, samples: np.ndarray, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = torch.from_numpy(np.atleast_2d(samples).astype(np.float32))[None]
    write_audio(path, Waveform(sound, rate), tags={}, cover=None)


@pytest.fixture(scope="session")
def known_cause(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`told` was composed for each artwork (two takes), `torn` for the next one; there is reference music, and words.

    Not to be written to.
    """
    folder = tmp_path_factory.mktemp("known-cause")
    (folder / "artworks").mkdir()
    causes = {}
    for number in range(ARTWORKS):
        path = folder / "artworks" / f"p{number}.png"
        Image.fromarray(paint(number, 128).pixels.permute(1, 2, 0).numpy()).save(path)
        causes[path.stem] = character(measure(read_artwork(path)))
    names = list(causes)
    for number, name in enumerate(names):
        following = causes[names[(number + 1) % len(names)]]
        write(folder / "told" / f"{name}.wav", compose(causes[name], number, SECONDS, RATE, 1))
        write(folder / "told" / f"{name}--2.wav", compose(causes[name], 100 + number, SECONDS, RATE, 1))
        write(folder / "torn" / f"{name}.wav", compose(following, 200 + number, SECONDS, RATE, 1))
        write(folder / "reference" / f"{name}.wav", compose(causes[name], 300 + number, SECONDS, RATE, 1))
    (folder / "items.json").write_text(json.dumps({name: {"caption": f"picture {name}"} for name in names}))
    return folder
