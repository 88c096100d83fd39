"""A folder of music to listen to, and the command that plays it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.types import Waveform

__all__ = ["ARTWORKS", "SYSTEMS", "listening", "write_folder"]

SYSTEMS = ("aligned-tern", "shuffled-gull", "captioned-heron")
"""Words that turn up nowhere else."""

ARTWORKS = ("dawn", "dusk", "noon", "rain", "snow")
PACK = Path(__file__).parents[2]
COMMAND = "import typer; from art2mus_core.cli.listen import listen; typer.run(listen)"


def write_folder(folder: Path, *, seconds: float = 0.4, rate: int = 8000, size: tuple[int, int] = (21, 34)) -> Path:
    """Three systems over five artworks; each piece is another tone and names its system in its tags."""
    (folder / "artworks").mkdir(parents=True)
    times = np.arange(round(seconds * rate)) / rate
    rng = np.random.default_rng(0)
    for place, artwork in enumerate(ARTWORKS):
        rows = np.kron(rng.integers(256, size=(3, 4, 3)), np.ones((size[0] // 3, size[1] // 4, 1))).astype(np.uint8)
        Image.fromarray(rows).save(folder / "artworks" / f"{artwork}.png")
        for turn, system in enumerate(SYSTEMS):
            (folder / system).mkdir(exist_ok=True)
            tone = 0.1 * 2.0**turn * np.sin(2 * np.pi * (300 + 70 * place + 23 * turn) * times)
            waveform = Waveform(torch.from_numpy(tone.astype(np.float32))[None, None], rate)
            tags = {"artist": system, "title": artwork}
            write_audio(folder / system / f"{artwork}.flac", waveform, tags=tags, cover=None)
    return folder


@contextmanager
def listening(folder: Path, *options: str) -> Iterator[tuple[str, Any]]:
    """The command in a process of its own: its address, and the process, killed in the end."""
    environment = {**os.environ, "PYTHONPATH": str(PACK), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", COMMAND, str(folder), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith("http://127.0.0.1:"), line
            yield line.split()[0], process
        finally:
            process.kill()
