"""A small dataset with pairs, made of real files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.datasets.listing import list_source
from art2mus_core.datasets.scanning import scan_artworks, scan_music
from art2mus_core.datasets.tables import ARTWORKS, MUSIC, PAIRS, PairRow
from art2mus_core.types import Waveform

PAINTINGS, PIECES, PAIRED = 7, 5, 11
SPLITS = ("train",) * 8 + ("test",) * 3
LICENCES = ("CC BY 4.0", "CC BY-NC-ND 3.0", None)
HOSTILE = "<script>alert(1)</script> | `x`\n---"


def make(folder: Path, root: Path | None = None) -> Path:
    """Seven pictures and five sounds, one file of each kind that is none, and eleven pairs in two splits."""
    root = root or folder
    drawn = np.random.default_rng(0)
    for number in range(PAINTINGS):
        path = root / "artworks" / f"painter {number % 3}" / f"wörk {number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.integers(256, size=(13 + number, 20, 3), dtype=np.uint8)).save(path)
    for number in range(PIECES):
        sound = torch.from_numpy(drawn.uniform(-0.4, 0.4, (1, 2, 8000 * (number + 2)))).float()
        write_audio(root / "music" / f"m {number % 2}" / f"{number}.flac", Waveform(sound, 8000), tags={}, cover=None)
    (root / "artworks" / "broken.png").write_text("no picture", encoding="utf-8")
    (root / "music" / "broken.mp3").write_text("no sound", encoding="utf-8")
    for kind, scan in (("artworks", scan_artworks), ("music", scan_music)):
        scan(list_source(folder, kind, root / kind, "folder"), folder, map)
    for table in (ARTWORKS, MUSIC):
        rows = list(table.read(folder / table.file))
        described = [
            replace(
                row,
                creator=row.path.split("/")[0],
                licence=LICENCES[place % 3],
                genres=("Rock", HOSTILE)[: place % 3],
                texts=texts(place),
            )
            for place, row in enumerate(rows)
        ]
        table.write(folder / table.file, described)
    artworks, music = (
        [row.id for row in table.read(folder / table.file) if not row.fault] for table in (ARTWORKS, MUSIC)
    )
    pairs = [
        PairRow(f"{n:06d}", artworks[n % PAINTINGS], music[n % PIECES], SPLITS[n], n / 8 - 0.5, n % 4 + 1)
        for n in range(PAIRED)
    ]
    PAIRS.write(folder / PAIRS.file, pairs)
    told = {
        "space": "tiny",
        "rule": {"mode": "nearest", "per_genre": None, "licences": []},
        "splits": {"train": {"pairs": 8}},
    }
    (folder / "pairing.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


def texts(place: int) -> tuple[tuple[str, str], ...]:
    return (("title", f"Work {place}"), ("mine", HOSTILE))[: place % 3]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
