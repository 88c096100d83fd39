"""Captioning resumes, and describes each content once."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.captioners.files import open_captioner
from art2mus_core.datasets import captioning, embedding
from art2mus_core.datasets import shards as room
from art2mus_core.datasets.captioning import InFolder, Remote, attach, caption
from art2mus_core.datasets.captions import read_captions
from art2mus_core.datasets.embedding import embed
from art2mus_core.datasets.items import Text
from art2mus_core.datasets.listing import list_source
from art2mus_core.datasets.scanning import scan_artworks, scan_music
from art2mus_core.datasets.tables import ARTWORKS
from art2mus_core.datasets.workers import spread
from art2mus_core.endpoints.client import Endpoint
from art2mus_core.errors import EvaluationError
from art2mus_core.images.reading import read_artwork
from art2mus_core.types import Artwork, Waveform

from ..captioning import write_blip
from ..rating.endpoint import NOW, answering, completion

ALONE = partial(spread, workers=1)
SEEN = list[str]()
"""Pictures that the captioner below described, in this process."""


class KilledError(BaseException):
    """What ends a run at once, like the death of its process."""


class Saying:
    network = None

    def __init__(self, origin: Said) -> None:
        self.origin = origin

    def describe(self, works: Sequence[Artwork]) -> list[str]:
        for work in works:
            if work.name == self.origin.killed_at:
                raise KilledError
            SEEN.append(work.name)
        return [" " if work.name in self.origin.silent else f"picture \n {work.sha256[:6]} " for work in works]


@dataclass(frozen=True)
class Said:
    """A captioner that says what a picture's pixels are."""

    killed_at: str | None = None
    silent: tuple[str, ...] = ()
    name: str = "saying"
    batch: int = 2
    made_with: str = field(default="x")

    def identity(self, kind: str) -> dict[str, str]:
        return {"made_with": self.made_with, "kind": kind}

    def open(self, kind: str) -> Any:
        return Saying(self)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SIZE", 4)
    SEEN.clear()
    captioning._opened.cache_clear()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(11):
        Image.fromarray(random.integers(0, 256, (20, 30, 3), np.uint8)).save(folder / f"{number:02d}.png")
    return folder


def scan(pictures: Path) -> Path:
    data = pictures.parent / "data"
    scan_artworks(list_source(data, "artworks", pictures, "folder"), data, ALONE)
    return data


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_real_captioner_describes_every_picture(pictures: Path, tmp_path: Path):
    data, folder = scan(pictures), write_blip(tmp_path / "small blip")
    told = caption(data, "artworks", InFolder(folder, batch=3), ALONE)
    assert told == {"rows": 11, "captioned": 11}
    captioner = open_captioner(folder, "artworks")
    (expected,) = captioner.describe([read_artwork(pictures / "07.png")])
    assert read_captions(data, "artworks")["07"][1:] == (("small-blip", expected),)


def test_work_can_be_sent_to_another_process():
    for origin in (InFolder(Path("x")), Remote(Endpoint("http://localhost/v1", "m"))):
        work = partial(captioning._caption_rows, Path("root"), "music", origin)
        assert pickle.loads(pickle.dumps(work)).args == work.args


def test_an_interrupted_run_ends_with_the_same_bytes_and_describes_nothing_twice(pictures: Path):
    data = scan(pictures)
    with pytest.raises(KilledError):
        caption(data, "artworks", Said(killed_at="06"), ALONE)
    assert [*SEEN] == ["00", "01", "02", "03", "04", "05"]
    assert caption(data, "artworks", Said(), ALONE) == {"rows": 11, "captioned": 11}
    assert sorted(SEEN) == [f"{number:02d}" for number in range(11)]
    place = data / "captions" / "artworks-saying"
    resumed = content(place)
    shutil.rmtree(place)
    caption(data, "artworks", Said(), ALONE)
    assert content(place) == resumed


def test_one_picture_more_is_the_only_one_that_is_described_and_embedded(
    pictures: Path, pocket_like: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(embedding, "BATCH", 1)
    data = scan(pictures)
    caption(data, "artworks", Said(), ALONE)
    embed(data, "artworks", pocket_like, ALONE)
    Image.new("RGB", (20, 30), "red").save(pictures / "03a.png")
    (pictures / "09.png").rename(pictures / "99.png")
    scan(pictures)
    SEEN.clear()
    caption(data, "artworks", Said(), ALONE)
    assert [*SEEN] == ["03a"]
    looked, embedded = [], embedding.embed_rows
    monkeypatch.setattr(
        embedding, "embed_rows", lambda *given: looked.extend(row.id for row in given[-1]) or embedded(*given)
    )
    embed(data, "artworks", pocket_like, ALONE)
    assert looked == ["03a"]
    grown = {place: content(data / place) for place in ("captions/artworks-saying", "embeddings/artworks-tiny")}
    for place in grown:
        shutil.rmtree(data / place)
    caption(data, "artworks", Said(), ALONE)
    embed(data, "artworks", pocket_like, ALONE)
    assert {place: content(data / place) for place in grown} == grown


def test_another_question_or_other_weights_describe_everything_again(pictures: Path):
    data = scan(pictures)
    caption(data, "artworks", Said(), ALONE)
    caption(data, "artworks", Said(made_with="y"), ALONE)
    assert len(SEEN) == 22


def test_faults_are_listed_and_tried_again_one_by_one(pictures: Path):
    data = scan(pictures)
    (pictures / "02.png").rename(pictures / "away")
    told = caption(data, "artworks", Said(silent=("05",)), ALONE)
    assert told == {"rows": 11, "captioned": 9, "DatasetError": 1, "empty": 1}
    assert read_captions(data, "artworks")["05"][1:] == ()
    (pictures / "away").rename(pictures / "02.png")
    SEEN.clear()
    assert caption(data, "artworks", Said(), ALONE)["captioned"] == 9
    assert [*SEEN] == []
    assert caption(data, "artworks", Said(), ALONE, retry=True) == {"rows": 11, "captioned": 11}
    assert [*SEEN] == ["02", "05"]


def test_an_endpoint_describes_what_it_can_and_keeps_what_was_answered(pictures: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    data = scan(pictures)
    broken = (500, NOW, {"error": {"message": "busy"}})
    with answering() as server:
        server.usual = lambda body: completion("a sea")
        server.replies = [completion("first"), broken, *[completion("then")] * 4]
        origin = Remote(Endpoint(server.url, "some/model", retries=0))
        assert caption(data, "artworks", origin, ALONE) == {"rows": 11, "captioned": 10, "DatasetError": 1}
        assert read_captions(data, "artworks")["00"][1:] == (("some-model", "first"),)
        assert caption(data, "artworks", origin, ALONE, retry=True) == {"rows": 11, "captioned": 11}
        assert len(server.asked) == 12
        shutil.rmtree(data / "captions")
        captioning._opened.cache_clear()
        server.replies = [*[completion("paid")] * 2, *[broken] * 99]
        with pytest.raises(EvaluationError, match="in a row failed"):
            caption(data, "artworks", origin, ALONE)
        asked, server.replies = len(server.asked), []
        captioning._opened.cache_clear()
        caption(data, "artworks", origin, ALONE)
        assert len(server.asked) - asked == 3  # complete shards with faults wait for `retry`


def test_published_texts_are_attached_to_the_works_that_they_name(pictures: Path):
    data = scan(pictures)
    rows = list(ARTWORKS.read(data / ARTWORKS.file))
    assert rows[3].id == "03"
    texts = [
        Text("03/1", "03", "It is \n calm."),
        Text("nobody/1", "nobody", "Unseen."),
        Text("03/2", "03", "It is cold."),
    ]
    assert attach(data, "artworks", "artemis", texts) == {"rows": 11, "captioned": 1, "texts": 2}
    found = read_captions(data, "artworks")
    assert found["03"][1:] == (("artemis", "It is calm."), ("artemis", "It is cold."))
    assert {len(captions) for name, captions in found.items() if name != "03"} == {1}
    attach(data, "artworks", "artemis", texts[:1])
    assert read_captions(data, "artworks")["03"][1:] == (("artemis", "It is calm."),)
    assert attach(data, "artworks", "other", texts[1:2]) == {"rows": 11, "captioned": 0, "texts": 0}
    assert not (data / "captions" / "artworks-other").exists()


def test_a_text_may_name_a_path_and_music_is_described_too(tmp_path: Path):
    sounds = tmp_path / "sounds" / "somebody"
    sounds.mkdir(parents=True)
    for number in range(2):
        noise = torch.rand(1, 1, 9000, generator=torch.Generator().manual_seed(number)) - 0.5
        write_audio(sounds / f"-x_{number}.flac", Waveform(noise, 8000), tags={}, cover=None)
    data = tmp_path / "data"
    scan_music(list_source(data, "music", sounds.parent, "folder"), data, ALONE)
    attach(data, "music", "musiccaps", [Text("1", "somebody/-x_1", "Noise.")])
    assert read_captions(data, "music")["somebody/-x_1"][-1] == ("musiccaps", "Noise.")
    heard = []

    class Hearing:
        network = None

        def describe(self, works: Sequence[Waveform]) -> list[str]:
            heard.extend(work.samples.shape for work in works)
            return ["noise"] * len(works)

    captioning._opened.cache_clear()

    @dataclass(frozen=True)
    class Heard(Said):
        def open(self, kind: str) -> Any:
            return Hearing()

    assert caption(data, "music", Heard(), ALONE) == {"rows": 2, "captioned": 2}
    assert heard == [(1, 1, 9000)] * 2
