"""From folders to a dataset that a training reads."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.datasets.reading import read_pairs
from art2mus_core.datasets.tables import ARTWORKS, MUSIC, PAIRS
from art2mus_core.types import Waveform

from ..captioning import write_blip
from ..rating.endpoint import answering, completion


@pytest.fixture
def dataset(art2mus):
    """Runs a command of `art2mus dataset`."""
    return lambda *arguments: art2mus("dataset", *arguments, model=None)


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


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return fill(tmp_path_factory.mktemp("folders"), 21)


def test_two_folders_become_pairs_in_one_command(dataset, folders, pocket_like, tmp_path):
    data = tmp_path / "Daten 1"
    made = ["make", *folders, "--out", data, "--encoder", pocket_like, "--workers", 1]
    code, out, err = dataset(*made)
    assert (code, err) == (0, "")
    assert "  damaged  1" in out
    assert "damaged: is not a picture that can be read  1     broken.jpg   download it again" in out
    assert "damaged: is not a readable audio file" in out
    assert re.search(r"train: 19 pairs of 19 artworks and \d+ of 19 pieces", out)
    pairs = read_pairs(data)
    assert len(pairs) == 21
    assert all(Path(pair.artwork).is_file() and Path(pair.music).is_file() for pair in pairs)
    before = {path: path.read_bytes() for path in data.rglob("*.*") if path.is_file()}
    assert (data / "report.html").read_text(encoding="utf-8").count("<article") == 21
    assert dataset(*made)[1] == out
    assert {path: path.read_bytes() for path in data.rglob("*.*") if path.is_file()} == before


def test_a_published_list_gives_the_pairs(dataset, folders, pocket_like, tmp_path):
    data = tmp_path / "data"
    assert dataset("scan", data, "--artworks", folders[0], "--music", folders[1], "--workers", 1)[0] == 0
    columns = {"Image": {"0": "artist 3/work.png"}, "Audio": {"0": "musician 5/piece.flac"}}
    (tmp_path / "art2mus_pairs.json").write_text(json.dumps(columns), encoding="utf-8")
    made = dataset("pair", data, "--listed", "art2mus2024", "--list-folder", tmp_path, "--test", 0)
    assert (made[0], made[2]) == (0, "")
    assert "listed: 1\n" in made[1]
    (pair,) = read_pairs(data)
    assert Path(pair.artwork).parts[-2:] == ("artist 3", "work.png")
    assert Path(pair.music).parts[-2:] == ("musician 5", "piece.flac")


def test_the_steps_one_by_one_give_the_same(dataset, folders, pocket_like, tmp_path):
    whole, steps = tmp_path / "whole", tmp_path / "steps"
    pictures, sounds = folders
    dataset("make", *folders, "--out", whole, "--encoder", pocket_like, "--workers", 1)
    code, out, _ = dataset("scan", steps, "--artworks", pictures, "--music", sounds, "--json")
    assert code == 0
    assert json.loads(out)["music"] == {"files": 22, "usable": 21, "damaged": 1}
    code, out, _ = dataset("embed", steps, "--encoder", pocket_like, "--workers", 1, "--json")
    assert json.loads(out)["artworks"] == {"rows": 21, "vectors": 21}
    assert dataset("pair", steps, "--space", "tiny")[0] == 0
    for table in (ARTWORKS, MUSIC, PAIRS):
        assert (whole / table.file).read_bytes() == (steps / table.file).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("scan", "out"), "neither --artworks nor --music"),
        (("scan", "out", "--artworks", "nowhere"), "nowhere is no folder"),
        (("scan", "out", "--artworks", "empty"), "no artworks in empty"),
        (("scan", "out", "--music", "empty", "--music-source", "spotify"), "a source 'spotify' of music"),
        (("embed", "out"), "no artworks.parquet in out"),
        (("embed", "out", "--only", "texts"), "artworks or music"),
        (("scan", "out", "--artworks", "empty", "--engine", "dask"), "an engine 'dask'; expected one of local, ray"),
        (("pair", "out"), "no artworks.parquet in out"),
        (("pair", "out", "--mode", "best"), "mode 'best'"),
        (("pair", "out", "--listed", "articaps"), "--listed or --list-folder alone"),
        (("pair", "out", "--listed", "articaps", "--list-folder", "empty"), "no articaps.csv"),
        (("report", "out"), "no artworks.parquet in out"),
        (("report", "out", "--out", "page.pdf"), "ends in '.pdf'"),
        (("release", "out", "--out", "new"), "no artworks.parquet in out"),
        (("release", "out", "--out", "new", "--media", "video"), "--media video"),
        (("release", "out", "--out", "file"), "file is a file"),
        (("make", "empty", "empty", "--out", "out"), "no artworks in empty"),
        (("caption", "out"), "no artworks.parquet in out"),
        (("caption", "out", "--captioner", "nobody"), "no captioner 'nobody'"),
        (("caption", "out", "--captioner", "empty"), "config.json"),
        (("caption", "out", "--captioner", "a", "--texts", "artemis"), "several of --captioner"),
        (("caption", "out", "--texts", "wikipedia", "--from", "empty"), "texts 'wikipedia'"),
        (("caption", "out", "--texts", "artemis"), "--texts without --from"),
        (("caption", "out", "--endpoint", "http://localhost/v1"), "--endpoint without --model"),
        (("make", "empty", "empty", "--out", "out", "--encoder", "nobody"), "nobody"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_one_line(dataset, arguments, told):
    Path("empty").mkdir()
    Path("file").touch()
    code, out, err = dataset(*arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


SCRIPT = "import sys\nfrom art2mus_core.cli import main\nif __name__ == '__main__': main(sys.argv[1:])"


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(dataset, pocket_like, tmp_path, monkeypatch):
    """The main process, then one of its workers, at random moments; ART2MUS_KILLS asks for more."""
    monkeypatch.setattr("art2mus_core.datasets.shards.SIZE", 5)
    folders = fill(tmp_path / "sources", 20)
    whole, data = tmp_path / "whole", tmp_path / "killed"
    made = ["make", *folders, "--encoder", pocket_like]
    assert dataset(*made, "--out", whole, "--workers", 1)[0] == 0
    script = tmp_path / "run.py"
    script.write_text("import art2mus_core.datasets.shards as s; s.SIZE = 5\n" + SCRIPT, encoding="utf-8")
    command = [sys.executable, script, "dataset", *made, "--out", data]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    moments = random.Random(0)
    for kill in range(int(os.environ.get("ART2MUS_KILLS", "2"))):
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            time.sleep(moments.uniform(2, 7))
            victims = children(process.pid) if kill % 2 else []
            os.kill(victims[0] if victims else process.pid, signal.SIGKILL)
            process.communicate(timeout=120)
    assert subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=300, check=False).returncode == 0
    assert contents(data) == contents(whole)


FULL = """
import resource
import art2mus_core.datasets.shards as s
s.SIZE = 5
finish = s.Shards._finish

def finish_until_full(shards, shard, now):
    if shards.folder.name == {stage!r} and shard.index == 1:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
    finish(shards, shard, now)

s.Shards._finish = finish_until_full
"""
"""From the second shard of a stage on, the system writes no more than the first 1,000 bytes of a file."""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit to the size of files")
@pytest.mark.parametrize("stage", ["music", "artworks-tiny"])
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(stage, dataset, pocket_like, tmp_path, monkeypatch):
    """Then the same command resumes, to the same bytes."""
    monkeypatch.setattr("art2mus_core.datasets.shards.SIZE", 5)
    folders = fill(tmp_path / "sources", 7)
    whole, data = tmp_path / "whole", tmp_path / "full"
    made = ["make", *folders, "--encoder", pocket_like, "--workers", "1"]
    assert dataset(*made, "--out", whole)[0] == 0
    script = tmp_path / "run.py"
    script.write_text(FULL.format(stage=stage) + SCRIPT, encoding="utf-8")
    command = [sys.executable, script, "dataset", *made, "--out", data]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    place = (data / ("scan/music" if stage == "music" else "embeddings/artworks-tiny")).as_posix()
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        rf"art2mus: {place}\S* cannot be written \(.*\); expected .* Make room, .* it resumes\.\n", done.stderr
    )
    assert sorted(path.name for path in Path(place).iterdir()) == ["000000.json", "000000.parquet"]
    assert not [*data.rglob("*.partial")]
    assert dataset(*made, "--out", data)[0] == 0
    assert contents(data) == contents(whole)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def children(process: int) -> list[int]:
    import psutil

    try:
        return [each.pid for each in psutil.Process(process).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def test_a_dataset_can_be_moved_with_its_files(dataset, folders, pocket_like, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(folders[0], data / "artworks")
    shutil.copytree(folders[1], data / "music")
    dataset("make", data / "artworks", data / "music", "--out", data, "--encoder", pocket_like, "--workers", 1)
    data.rename("elsewhere")
    pairs = read_pairs(Path("elsewhere"))
    assert all(Path("elsewhere", each).is_file() for pair in pairs for each in (pair.artwork, pair.music))


def test_a_sound_dataset_has_nothing_wrong_and_belongs_together(dataset, folders, pocket_like, tmp_path):
    data, (pictures, sounds) = tmp_path / "data", fill(tmp_path / "sources", 3)
    (pictures / "broken.jpg").unlink()
    (sounds / "broken.mp3").unlink()
    dataset("make", pictures, sounds, "--out", data, "--encoder", pocket_like, "--workers", 1)
    assert dataset("doctor", data)[:2] == (0, "nothing is wrong\n")
    code, out, _ = dataset("audit", data, "--space", "tiny", "--encoder", pocket_like, "--workers", 1, "--json")
    assert code == 0
    told = json.loads(out)
    assert told["compared"] == {"files": 6, "embeddings": 6, "embedded again": 6, "pairs": 3}
    assert told["mismatches"] == []


def test_what_was_changed_behind_its_back_is_told(dataset, pocket_like, tmp_path):
    data, (pictures, sounds) = tmp_path / "data", fill(tmp_path / "sources", 4)
    dataset("make", pictures, sounds, "--out", data, "--encoder", pocket_like, "--workers", 1)
    dataset("caption", data, "--texts", "artemis", "--from", utterance(tmp_path / "texts", "artist 0"))
    shutil.copy(pictures / "artist 1" / "work.png", pictures / "artist 0" / "work.png")
    used = next(iter(PAIRS.read(data / PAIRS.file))).music
    (sounds / f"{used}.flac").unlink()
    code, out, err = dataset("audit", data, "--space", "tiny", "--workers", 1)
    assert code == 2
    assert "artist 0/work.png is not the file that was scanned" in out
    assert f"{used}.flac is not the file that was scanned" in out
    assert "2 mismatches" in err
    code, out, _ = dataset("audit", data, "--space", "tiny", "--encoder", pocket_like, "--workers", 1)
    assert "artworks: 'artist 0/work' is embedded differently now" in out
    dataset("scan", data, "--artworks", pictures, "--music", sounds)
    out = dataset("audit", data, "--space", "tiny", "--workers", 1)[1]
    assert "artworks: artemis's caption of 'artist 0/work' is that of another file" in out
    code, out, _ = dataset("doctor", data, "--json")
    found = {each["what"]: each["count"] for each in json.loads(out)["found"]}
    assert found == {
        "artworks: damaged": 1,
        "artworks: twice": 1,
        "music: damaged": 1,
        "artworks in tiny: the embedding of another file": 1,
        "music in tiny: the embedding of another file": 1,
        "artworks: no caption by artemis": 1,
        "pairs of files that cannot be used": sum(pair.music == used for pair in PAIRS.read(data / PAIRS.file)),
    }


def test_a_damaged_shard_is_made_again(dataset, pocket_like, tmp_path):
    data, (pictures, sounds) = tmp_path / "data", fill(tmp_path / "sources", 4)
    made = ["make", pictures, sounds, "--out", data, "--encoder", pocket_like, "--workers", 1]
    dataset(*made)
    whole = {path: path.read_bytes() for path in data.rglob("*.*") if path.is_file()}
    shards = [data / "scan" / "music" / "000000.parquet", data / "embeddings" / "artworks-tiny" / "000000.parquet"]
    for damaged in shards:
        damaged.write_bytes(whole[damaged][: len(whole[damaged]) // 2])
    (data / "embeddings" / "music-tiny" / "000000.json").write_text('{"made_from": "?"}', encoding="utf-8")
    assert dataset(*made)[0] == 0
    assert {path: path.read_bytes() for path in data.rglob("*.*") if path.is_file()} == whole


def test_pairs_of_a_file_that_changed_are_told_and_not_used(dataset, pocket_like, tmp_path):
    data, (pictures, sounds) = tmp_path / "data", fill(tmp_path / "sources", 4)
    dataset("make", pictures, sounds, "--out", data, "--encoder", pocket_like, "--workers", 1)
    Image.new("RGB", (60, 40), (9, 90, 200)).save(pictures / "artist 2" / "work.png")
    dataset("scan", data, "--artworks", pictures)
    dataset("embed", data, "--encoder", pocket_like, "--workers", 1)
    told = "the file has changed since it was paired"
    code, out, _ = dataset("audit", data, "--space", "tiny", "--workers", 1)
    assert (code, told in out) == (2, True)
    assert told in dataset("doctor", data)[1]
    for used in (("release", data, "--out", tmp_path / "release"), ("report", data)):
        code, _, err = dataset(*used)
        assert (code, told in err) == (2, True)
    dataset("pair", data, "--space", "tiny")
    assert dataset("audit", data, "--space", "tiny", "--encoder", pocket_like, "--workers", 1)[0] == 0


def test_another_file_at_a_path_is_not_embedded(dataset, pocket_like, tmp_path):
    data, (pictures, sounds) = tmp_path / "data", fill(tmp_path / "sources", 3)
    dataset("scan", data, "--artworks", pictures, "--music", sounds)
    own = (pictures / "artist 1" / "work.png").read_bytes()
    shutil.copy(pictures / "artist 0" / "work.png", pictures / "artist 1" / "work.png")
    code, out, _ = dataset("embed", data, "--encoder", pocket_like, "--only", "artworks", "--workers", 1)
    assert code == 0
    assert "is not the file that was scanned" in out
    (pictures / "artist 1" / "work.png").write_bytes(own)
    out = dataset("embed", data, "--encoder", pocket_like, "--only", "artworks", "--workers", 1, "--retry")[1]
    assert "vectors  3" in out


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize(
    "name", [b"a:b.png", b"back\\slash.png", b"caf\xe9.png"], ids=["colon", "backslash", "latin-1"]
)
def test_a_name_that_other_systems_cannot_read_is_a_fault(dataset, name, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for each in (b"plain.png", name):
        with open(os.path.join(os.fsencode(pictures), each), "wb") as file:  # noqa: PTH118, PTH123  bytes
            Image.new("RGB", (8, 9)).save(file, "PNG")
    code, out, err = dataset("scan", tmp_path / "data", "--artworks", pictures)
    assert (code, err) == (0, "")
    assert "  name    1" in out
    assert "rename the file" in out


def test_a_release_into_its_dataset_is_refused(dataset, tmp_path):
    (tmp_path / "data").mkdir()
    code, _, err = dataset("release", tmp_path / "data", "--out", tmp_path / "data" / ".." / "data")
    assert (code, "the dataset itself" in err) == (2, True)


def utterance(folder: Path, artist: str) -> Path:
    """A folder with ArtEmis' table of one utterance."""
    folder.mkdir()
    table = f"art_style,painting,emotion,utterance,repetition\n{artist},work,awe,It is red.,1\n"
    (folder / "artemis.csv").write_text(table, encoding="utf-8")
    return folder


def test_captions_are_made_counted_and_read(dataset, tmp_path):
    data, (pictures, sounds) = tmp_path / "data", fill(tmp_path / "sources", 3)
    dataset("scan", data, "--artworks", pictures, "--music", sounds)
    code, out, err = dataset("caption", data)
    assert (code, err) == (0, "")
    assert out.splitlines() == ["artworks", "  rows      3", "  metadata  3", "music", "  rows      3", "  metadata  3"]
    captioner = write_blip(tmp_path / "blip")
    code, out, err = dataset("caption", data, "--captioner", captioner, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"data": str(data), "artworks": {"rows": 3, "captioned": 3}, "faults": []}
    attached = ("caption", data, "--texts", "artemis", "--from", utterance(tmp_path / "texts", "artist 1"), "--json")
    assert json.loads(dataset(*attached)[1])["artworks"] == {"rows": 3, "captioned": 1, "texts": 1}
    code, out, _ = dataset("caption", data, "--only", "artworks", "--json")
    assert json.loads(out)["artworks"] == {"rows": 3, "metadata": 3, "artemis": 1, "blip": 3}
    code, _, err = dataset(*attached[:-1], "--only", "music")
    assert code == 2
    assert "no text of artemis is about a work" in err
    code, _, err = dataset("caption", data, "--captioner", captioner, "--only", "music")
    assert code == 2
    assert "no captioner of music" in err


def test_what_goes_to_another_machine_is_told_and_needs_consent(dataset, tmp_path, monkeypatch):
    data, (pictures, _) = tmp_path / "data", fill(tmp_path / "sources", 2)
    dataset("scan", data, "--artworks", pictures)
    sent = ("caption", data, "--endpoint", "http://nowhere.invalid/v1", "--model", "m", "--only", "artworks")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    code, _, err = dataset(*sent)
    assert (code, "no key in the variable" in err) == (2, True)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-nobody")
    code, _, err = dataset(*sent)
    assert code == 2
    assert "Up to 2 pictures are sent to nowhere.invalid, for m" in err
    assert "The connection is not encrypted" in err
    assert "--yes" in err
    assert not (data / "captions").exists()


def test_an_endpoint_on_this_machine_is_asked_at_once(dataset, tmp_path):
    data, (pictures, _) = tmp_path / "data", fill(tmp_path / "sources", 2)
    dataset("scan", data, "--artworks", pictures)
    with answering() as server:
        server.usual = lambda body: completion("a red square")
        sent = ("caption", data, "--endpoint", server.url, "--model", "m", "--only", "artworks", "--json")
        code, out, err = dataset(*sent)
        assert (code, err) == (0, "")
        assert json.loads(out)["artworks"] == {"rows": 2, "captioned": 2}
        dataset(*sent)
        assert len(server.asked) == 2


def test_a_report_and_a_release_are_written_and_told(dataset, folders, pocket_like, tmp_path):
    data, page, out = tmp_path / "data", tmp_path / "page.html", tmp_path / "release"
    dataset("make", *folders, "--out", data, "--encoder", pocket_like, "--workers", 1)
    code, told, err = dataset(
        "report", data, "--out", page, "--pairs", 4, "--embed", "--title", "Mine & yours", "--json"
    )
    assert (code, err) == (0, "")
    assert {each["split"]: each["pairs"] for each in json.loads(told)["counts"]} == {
        "train": 19,
        "validation": 1,
        "test": 1,
        "all": 21,
    }
    text = page.read_text(encoding="utf-8")
    assert text.count('data-source="data:audio/ogg') == 4
    assert "<h1>Mine &amp; yours</h1>" in text
    assert dataset("report", data, "--out", page, "--no-replace")[0] == 2
    released = ["release", data, "--out", out, "--media", "paths", "--json"]
    code, told, err = dataset(*released)
    assert (code, err) == (0, "")
    assert json.loads(told)["pairs"] == 21
    assert {path.name for path in out.iterdir()} == {"README.md", "SHA256SUMS", "data", "index.html"}
    code, told, err = dataset(*released)
    assert (code, told) == (2, "")
    assert "an empty folder" in err


def test_time_left_is_told_over_all_stages(folders, pocket_like, tmp_path):
    from art2mus_core.datasets.making import HEAVY, Plan, make

    steps = []
    make(Plan(*folders, pocket_like), tmp_path / "data", map, on_step=steps.append)
    assert list(dict.fromkeys(step.stage for step in steps)) == list(HEAVY)
    shares = [step.done for step in steps]
    assert shares == sorted(shares)
    assert {step.total for step in steps} == {shares[-1]} == {1000}
