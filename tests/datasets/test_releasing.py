from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from art2mus_core.datasets.captions import describe_row
from art2mus_core.datasets.joining import read_rows
from art2mus_core.datasets.packing import packs_of
from art2mus_core.datasets.releasing import CARD, CHECKSUMS, DATA, PAGE, WORK, release
from art2mus_core.datasets.tables import PAIRS
from art2mus_core.errors import DatasetError, OutputError, SettingError
from art2mus_core.types import Step

from .released import HOSTILE, LICENCES, contents, make


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be written to."""
    return make(tmp_path_factory.mktemp("release") / "Daten #1")


@pytest.fixture(scope="module")
def released(data: Path) -> Path:
    """A release with media; not to be written to."""
    release(data, data.parent / "Release 1", pairs=3)
    return data.parent / "Release 1"


@pytest.fixture
def load(tmp_path: Path, monkeypatch):
    """The library's loader, without a network and with its cache in the test's folder."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    datasets.disable_progress_bars()
    return lambda folder, **more: datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"), **more)


def test_the_library_reads_it_back(data: Path, released: Path, load):
    from datasets import Audio
    from datasets import Image as Picture

    found = load(released)
    assert {split: len(part) for split, part in found.items()} == {"train": 8, "test": 3}
    assert isinstance(found["train"].features["image"], Picture)
    assert isinstance(found["train"].features["audio"], Audio)
    for way in (found, load(released, streaming=True)):
        parts = [way[split].cast_column("audio", Audio(decode=False)) for split in ("train", "test")]
        given = [record for part in parts for record in part]
        for row, record in zip(read_rows(data), given, strict=True):
            with Image.open(data / "artworks" / row.artwork.path) as picture:
                assert np.array_equal(np.asarray(record["image"]), np.asarray(picture))
            assert record["audio"]["bytes"] == (data / "music" / row.music.path).read_bytes()
            assert record["id"] == row.pair.id
            captions = [(caption["origin"], caption["text"]) for caption in record["artwork_captions"]]
            assert captions == [("metadata", describe_row(row.artwork)), *row.artwork.texts]


def test_a_release_without_media_is_joined_with_ones_own_copy(data: Path, load, tmp_path: Path):
    """As its card says."""
    from datasets import Audio
    from datasets import Image as Picture

    release(data, tmp_path / "out", embed=False)
    text = (tmp_path / "out" / PAGE).read_text(encoding="utf-8")
    assert "data:image" not in text.replace("img-src data:", "")
    assert "data-source" not in text
    assert "Pictures and sounds are not part of this page" in text

    def with_media(row):
        return {
            "image": f"{data}/artworks/{row['artwork_path']}",
            "audio": f"{data}/music/{row['music_path']}",
        }

    pairs = load(tmp_path / "out", split="test").map(with_media)
    pairs = pairs.cast_column("image", Picture()).cast_column("audio", Audio(decode=False))
    assert [record["image"].size for record in pairs] == [(20, 16), (20, 19), (20, 14)]
    for record in pairs:
        assert hashlib.sha256(Path(record["audio"]["path"]).read_bytes()).hexdigest() == record["music_file_sha256"]
    card = (tmp_path / "out" / CARD).read_text(encoding="utf-8")
    for line in ("{ARTWORKS}/{row['artwork_path']}", "{MUSIC}/{row['music_path']}", ".map(with_media)", "| `image` |"):
        assert (line in card) == (line != "| `image` |")


def test_checksums_are_of_every_file_and_moving_it_changes_nothing(released: Path):
    lines = (released / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    own = {name: hashlib.sha256(content).hexdigest() for name, content in contents(released).items()}
    assert own.pop(CHECKSUMS)
    assert listed == own
    assert set(own) == {CARD, PAGE, f"{DATA}/train-00000-of-00001.parquet", f"{DATA}/test-00000-of-00001.parquet"}


def test_the_same_dataset_gives_the_same_bytes_wherever_it_is(released: Path, tmp_path: Path):
    data = make(tmp_path / "elsewhere" / "deeper", tmp_path / "sources")
    assert release(data, tmp_path / "out", pairs=3)["pairs"] == 11
    assert contents(tmp_path / "out") == contents(released)
    for content in contents(tmp_path / "out").values():
        assert str(tmp_path).encode() not in content


def test_the_card_has_a_header_that_the_hub_reads_and_tells_counts(released: Path):
    text = (released / CARD).read_text(encoding="utf-8")
    _, header, body = text.split("---\n", 2)
    told = yaml.safe_load(header)
    assert told["license"] == "other"
    assert told["size_categories"] == ["n<1K"]
    assert told["configs"][0]["data_files"] == [
        {"split": split, "path": f"data/{split}-*.parquet"} for split in ("train", "test")
    ]
    assert "| train | 8 | 7 | 3 | 5 | 2 | 0.01 |" in body
    assert "\n    CC BY 4.0        2  ████████████████████\n" in body
    assert "- mode: nearest\n" in body
    assert "per genre" not in body
    assert HOSTILE not in body
    assert "grants no rights" in body
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_only_music_under_some_licences(data: Path, tmp_path: Path):
    wanted = {row.pair.id for row in read_rows(data) if row.music.licence == LICENCES[1]}
    assert 0 < len(wanted) < 11
    told = release(data, tmp_path / "out", licences=["nc-nd"], embed=False)
    assert told["pairs"] == len(wanted)
    assert "whose licence contains nc-nd" in (tmp_path / "out" / CARD).read_text(encoding="utf-8")
    with pytest.raises(DatasetError, match="with music under GPL"):
        release(data, tmp_path / "other", licences=["GPL"])
    assert not (tmp_path / "other").exists()


def test_a_split_without_pairs_has_no_file(data: Path, tmp_path: Path, load):
    copy = make(tmp_path / "data")
    PAIRS.write(copy / PAIRS.file, list(PAIRS.read(copy / PAIRS.file))[8:])
    release(copy, tmp_path / "out")
    assert {split: len(part) for split, part in load(tmp_path / "out").items()} == {"test": 3}


@pytest.mark.parametrize("what", ["a file", "a folder", "a release"])
def test_what_is_there_is_not_touched(data: Path, released: Path, tmp_path: Path, what):
    out = tmp_path / "out"
    if what == "a file":
        out.write_text("mine")
    else:
        (out / DATA).mkdir(parents=True)
        (out / CARD).write_text("mine")
    if what == "a release":
        (out / CHECKSUMS).write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(OutputError, match="out"):
        release(data, out, pairs=3)
    assert contents(tmp_path) == before


def test_pairs_that_cannot_be_shown_are_refused_before_anything_is_written(data: Path, tmp_path: Path):
    with pytest.raises(SettingError, match="0 pairs"):
        release(data, tmp_path / "out", pairs=0)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_told_before_anything_is_written(data: Path, tmp_path: Path, monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(OutputError, match="for the pictures and sounds"):
        release(data, tmp_path / "out")
    assert contents(tmp_path) == {}


def test_a_changed_file_stops_it_and_the_rest_is_used_again(released: Path, tmp_path: Path):
    data, out = make(tmp_path / "data"), tmp_path / "out"
    (changed,) = {data / "music" / row.music.path for row in read_rows(data) if row.pair.id == "000010"}
    content = changed.read_bytes()
    changed.write_bytes(content + b" ")
    with pytest.raises(DatasetError, match=r"is not the file that was scanned"):
        release(data, out, pairs=3)
    assert contents(out) == {}  # the piece is in both splits
    changed.write_bytes(content)
    assert release(data, out, pairs=3)["pairs"] == 11
    assert contents(out) == contents(released)


class StopError(Exception):
    pass


@pytest.mark.parametrize("stage", ["release", "report"])
def test_an_interrupted_release_does_not_look_finished_and_is_completed(
    data: Path, released: Path, tmp_path: Path, stage
):
    def stop(step: Step) -> None:
        if step.stage == stage and step.done == step.total - 1:
            raise StopError

    out = tmp_path / "out"
    with pytest.raises(StopError):
        release(data, out, pairs=3, on_step=stop)
    assert [path.name for path in out.iterdir()] == [WORK]
    kept = {name: (out / name).stat().st_mtime_ns for name in contents(out)}
    assert kept
    assert all(name.startswith(f"{WORK}/{DATA}/") for name in kept)
    release(data, out, pairs=3)
    assert contents(out) == contents(released)
    own = [out / DATA / Path(name).name for name in kept]
    assert [path.stat().st_mtime_ns for path in own] == list(kept.values())


@pytest.mark.parametrize("moved", [0, 1, 4])
def test_a_release_that_is_stopped_while_it_is_put_in_place_is_completed(
    data: Path, released: Path, tmp_path: Path, moved, monkeypatch
):
    parts = (DATA, PAGE, CARD, CHECKSUMS)
    out = tmp_path / "out"
    release(data, out, pairs=3)
    (out / WORK).mkdir()
    for name in parts[moved:]:
        (out / name).rename(out / WORK / name)
    (out / WORK / ".0123.partial").write_text("cut o")
    release(data, out, pairs=3)
    assert contents(out) == contents(released)
    assert {path.name for path in out.iterdir()} == set(parts)


def test_files_of_other_rows_are_made_again(data: Path, tmp_path: Path):
    out = tmp_path / "out"
    work = out / WORK / DATA
    work.mkdir(parents=True)
    (work / "train-00000-of-00009.parquet").write_text("of another plan")
    (work / "train-00000-of-00001.parquet").write_text("no table")
    release(data, out, pairs=3)
    assert [path.name for path in sorted((out / DATA).iterdir())] == [
        pack.name for pack in sorted(packs_of(read_rows(data), None), key=lambda pack: pack.name)
    ]
