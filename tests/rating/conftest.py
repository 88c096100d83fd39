"""Three artworks, two systems, and a server on this machine that answers well or badly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.endpoints.client import Endpoint
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.rating.cache import AnswerCache
from art2mus_core.rating.client import RatingClient
from art2mus_core.rating.evidence import read_evidence
from art2mus_core.rating.plan import make_plan
from art2mus_core.rating.rate import rate
from art2mus_core.types import Waveform

from .endpoint import answering

KEY = "sk-a-key-of-nobody-7319"
RATE = 11_025
IDS = ("dawn", "dusk", "noon")
SYSTEMS = ("plain", "secret-system")


@pytest.fixture
def server(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with answering() as running:
        yield running


@pytest.fixture
def folder(tmp_path):
    """Three artworks and two systems' pieces."""
    rng = np.random.default_rng(0)
    root = tmp_path / "collection"
    (root / "artworks").mkdir(parents=True)
    for index, name in enumerate(IDS):
        pixels = rng.integers(256, size=(40, 900 if name == "dawn" else 30, 3), dtype=np.uint8)
        exif = Image.Exif()
        exif[0x010E] = f"painted by {name}"
        Image.fromarray(pixels).save(root / "artworks" / f"{name}.jpg", exif=exif)
        for system in SYSTEMS:
            (root / system).mkdir(exist_ok=True)
            hertz = 220 * (index + 1) + 50 * SYSTEMS.index(system)
            samples = 0.3 * torch.sin(2 * torch.pi * hertz * torch.arange(RATE * 3 // 2) / RATE)
            write_audio(
                root / system / f"{name}.flac", Waveform(samples[None, None], RATE), tags={"title": name}, cover=None
            )
    return root


@pytest.fixture
def run(server, folder):
    """Rates the folder; more settings than these are the test's."""

    def made(*, described=False, control=False, budget=None, **more):
        collection = read_collection(folder)
        cache = AnswerCache(folder / ".ratings", "m")
        evidence = read_evidence(collection, described=described)
        plan = make_plan(*evidence, cache, described=described, control=control)
        client = RatingClient(Endpoint(server.url, "m", **{"retries": 1, "timeout": 5.0, **more}))
        try:
            return rate(collection, plan, client, cache, budget=budget)
        finally:
            client.close()

    return made
