from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.reading import read_audio
from art2mus_core.datasets import embedding
from art2mus_core.datasets.embedding import embed
from art2mus_core.datasets.listing import list_source
from art2mus_core.datasets.scanning import scan_artworks, scan_music
from art2mus_core.datasets.sides import kinds
from art2mus_core.datasets.tables import ARTWORKS
from art2mus_core.datasets.vectors import read_vectors
from art2mus_core.datasets.workers import spread
from art2mus_core.encoders.files import load_audio_encoder, load_image_encoder
from art2mus_core.errors import DatasetError, SettingError
from art2mus_core.images.reading import read_artwork
from art2mus_core.types import Waveform

ALONE = partial(spread, workers=1)


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nineteen pictures, one of them no picture, and three sounds. Not to be written to."""
    root = tmp_path_factory.mktemp("embedded")
    random = np.random.default_rng(0)
    for name in ("pictures", "sounds"):
        (root / name).mkdir()
    for number in range(18):
        Image.fromarray(random.integers(0, 256, (20, 30, 3), np.uint8)).save(root / "pictures" / f"{number:02d}.png")
    (root / "pictures" / "18.png").write_text("nothing", encoding="utf-8")
    for number, seconds in enumerate((1.2, 1.9, 3.1)):
        noise = torch.from_numpy(random.uniform(-0.3, 0.3, (1, 2, round(8000 * seconds)))).float()
        write_audio(root / "sounds" / f"{number}.flac", Waveform(noise, 8000), tags={}, cover=None)
    data = root / "data"
    scan_artworks(list_source(data, "artworks", root / "pictures", "folder"), data, ALONE)
    scan_music(list_source(data, "music", root / "sounds", "folder"), data, ALONE)
    return data


@pytest.fixture
def data(scanned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(scanned, tmp_path / "data"))


def test_pictures_and_sounds_get_the_encoders_vectors(data: Path, pocket_like: Path):
    assert embed(data, "artworks", pocket_like, ALONE) == {"rows": 18, "vectors": 18}
    assert embed(data, "music", pocket_like, ALONE) == {"rows": 3, "vectors": 3}
    seen, heard = (read_vectors(data, kind, "tiny") for kind in ("artworks", "music"))
    assert seen.ids == [f"{number:02d}" for number in range(18)]
    assert (seen.space, seen.values.dtype) == ("tiny", np.float32)
    root = data.parent.parent
    root = Path((data / "roots.json").read_text(encoding="utf-8").split('"artworks": "')[1].split('"')[0]).parent
    eye = load_image_encoder(pocket_like, dtype=torch.float32)
    ear = load_audio_encoder(pocket_like, dtype=torch.float32)
    with torch.no_grad():
        expected = eye.encode([read_artwork(root / "pictures" / "07.png")]).values[0].numpy()
        sound = ear.encode(read_audio(root / "sounds" / "2.flac", mono=False)).values[0].numpy()
    np.testing.assert_allclose(seen.values[7], expected, atol=1e-5)
    np.testing.assert_allclose(heard.values[2], sound, atol=1e-5)
    assert seen.contents[7] == list(ARTWORKS.read(data / ARTWORKS.file))[7].file_sha256


def test_two_processes_write_the_same_bytes(data: Path, pocket_like: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedding, "BATCH", 1)
    folder = data / "embeddings" / "artworks-tiny"
    embed(data, "artworks", pocket_like, ALONE)
    alone = {path.name: path.read_bytes() for path in folder.iterdir()}
    shutil.rmtree(folder)
    embed(data, "artworks", pocket_like, partial(spread, workers=2))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == alone


def test_a_file_that_went_is_a_fault_beside_the_vectors_and_is_tried_again_on_request(data, pocket_like, tmp_path):
    rows = [replace(row, path="gone.png") if row.id == "03" else row for row in ARTWORKS.read(data / ARTWORKS.file)]
    ARTWORKS.write(data / ARTWORKS.file, rows)
    assert embed(data, "artworks", pocket_like, ALONE) == {"rows": 18, "vectors": 17, "DatasetError": 1}
    assert "03" not in read_vectors(data, "artworks", "tiny").ids
    fault = next(
        each.fault
        for each in embedding.read_shard(data / "embeddings" / "artworks-tiny" / "000000.parquet")
        if each.fault
    )
    assert fault == "DatasetError: cannot be read (No such file or directory)"
    ARTWORKS.write(data / ARTWORKS.file, [replace(row, path="03.png") if row.id == "03" else row for row in rows])
    assert embed(data, "artworks", pocket_like, ALONE)["vectors"] == 17
    assert embed(data, "artworks", pocket_like, ALONE, retry=True) == {"rows": 18, "vectors": 18}


def test_shards_of_two_encoders_are_told(data: Path, pocket_like: Path):
    embed(data, "music", pocket_like, ALONE)
    shard = data / "embeddings" / "music-tiny" / "000000.parquet"
    embedding.write_shard(
        {"space": "tiny", "encoder": "another"}, shard.with_name("000001.parquet"), embedding.read_shard(shard)
    )
    shutil.copy(shard.with_suffix(".json"), shard.with_name("000001.json"))
    with pytest.raises(DatasetError, match=r"000001\.parquet is from another encoder than 000000\.parquet"):
        read_vectors(data, "music", "tiny")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda shard: shard.with_suffix(".json").unlink(), "is not complete"),
        (lambda shard: shard.write_bytes(shard.read_bytes()[:100]), "cannot be read"),
        (lambda shard: shutil.rmtree(shard.parent), "no embeddings in"),
    ],
)
def test_missing_or_damaged_shards_are_told(damage, told: str, data: Path, pocket_like: Path):
    embed(data, "music", pocket_like, ALONE)
    damage(data / "embeddings" / "music-tiny" / "000000.parquet")
    with pytest.raises(DatasetError, match=rf"{told}.*art2mus dataset embed"):
        read_vectors(data, "music", "tiny")


def test_another_kind_is_refused():
    assert kinds(None) == ["artworks", "music"]
    assert kinds("music") == ["music"]
    with pytest.raises(SettingError, match="artworks or music"):
        kinds("texts")
