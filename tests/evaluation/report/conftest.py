from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.evaluation.results import Measure, Report, Result, Scatter
from art2mus_core.types import Waveform

IDS = ("50%#1?x", "dämmerung über see", 'it\'s &amp; "so"', "plain")
"""Names that mean something in addresses or in HTML."""

SYSTEMS = ("<script>alert(1)<script>", "ours & theirs")
HOSTILE = "</script><script>alert('x')</script><b>"


def write_sound(path, pitch=330.0, seconds=0.5, rate=8000):
    time = torch.arange(round(seconds * rate)) / rate
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, Waveform(0.4 * torch.sin(2 * math.pi * pitch * time)[None, None], rate), tags={}, cover=None)


@pytest.fixture
def folder(tmp_path):
    """Four artworks, two systems with one further take, and real music; every name is a trap."""
    folder = tmp_path / "müsic & more"
    rng = np.random.default_rng(0)
    (folder / "artworks").mkdir(parents=True)
    for index, name in enumerate(IDS):
        Image.fromarray(rng.integers(256, size=(21, 34, 3), dtype=np.uint8)).save(folder / "artworks" / f"{name}.png")
        for system in SYSTEMS:
            write_sound(folder / system / f"{name}.wav", 220.0 * (index + 1))
        write_sound(folder / "reference" / f"{name}.wav", 110.0)
    write_sound(folder / SYSTEMS[1] / "plain--2.wav")
    groups = {name: {"caption": HOSTILE, "group": ("paintings", HOSTILE)[n % 2]} for n, name in enumerate(IDS)}
    (folder / "items.json").write_text(json.dumps(groups), encoding="utf-8")
    return folder


@pytest.fixture
def report():
    """Three measures; what can be missing is missing somewhere."""
    measures = [
        Measure("match:x", HOSTILE, "match", "higher", HOSTILE, HOSTILE),
        Measure("frechet:x", "Fréchet distance", "sound", "lower"),
        Measure("peak", "Peak", "faults", "", "The loudest sample.", "dBFS"),
    ]
    figures = {
        SYSTEMS[0]: {"match:x": Result(0.31, 4, 0.2, 0.42, 0.01, 5.25), "frechet:x": Result(math.nan, 4)},
        SYSTEMS[1]: {"match:x": Result(-0.5, 3, -0.6, -0.4, math.nan, math.nan), "peak": Result(-1.5, 5)},
    }
    values = {name: {"match:x": 0.25 * index, "peak": math.nan} for index, name in enumerate(IDS)}
    pieces = {SYSTEMS[0]: values, SYSTEMS[1]: {"plain": {}, "plain--2": {"match:x": 0.123456789}}}
    points = tuple((name, float(index), math.nan if index == 1 else 2.0 - index) for index, name in enumerate(IDS))
    scatters = (Scatter(SYSTEMS[0], HOSTILE, "lightness", HOSTILE, points),)
    made = {"version": "1", "seed": 7, "embedders": ["a", HOSTILE], "counts": {"pieces": 9}}
    return Report({m.key: m for m in measures}, figures, pieces, scatters, (HOSTILE,), made)
