"""Folders of pictures and sounds, and the bytes that are made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.types import Waveform


def fill(root: Path, count: int) -> tuple[Path, Path]:
    """Folders of `count` pictures and sounds by as many artists, and in each a file that is none."""
    pictures, sounds = root / "pictures", root / "sounds"
    drawn = np.random.default_rng(0)
    for number in range(count):
        for folder in (pictures / f"artist {number}", sounds / f"musician {number}"):
            folder.mkdir(parents=True)
        small = drawn.integers(0, 256, (4, 6, 3), np.uint8)
        Image.fromarray(small).resize((60, 40)).save(pictures / f"artist {number}" / "work.png")
        noise = torch.from_numpy(drawn.uniform(-0.4, 0.4, (1, 1, 16_000))).float()
        path = sounds / f"musician {number}" / "piece.flac"
        write_audio(path, Waveform(noise, 8000), tags={}, cover=None)
    (pictures / "broken.jpg").write_text("no picture", encoding="utf-8")
    (sounds / "broken.mp3").write_text("no sound", encoding="utf-8")
    return pictures, sounds


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def utterance(folder: Path, artist: str) -> Path:
    """A folder with ArtEmis' table of one utterance."""
    folder.mkdir()
    table = f"art_style,painting,emotion,utterance,repetition\n{artist},work,awe,It is red.,1\n"
    (folder / "artemis.csv").write_text(table, encoding="utf-8")
    return folder
