"""From folders to a dataset that a training reads."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

from art2mus_core.checkpoints.names import quoted
from art2mus_core.datasets.reading import read_pairs
from art2mus_core.datasets.tables import ARTWORKS, MUSIC, PAIRS


def test_two_folders_become_pairs_in_one_command(dataset, folders, pocket_like, tmp_path):
    data = tmp_path / "Daten 1"
    made = ["make", *folders, "--out", data, "--encoder", pocket_like, "--workers", 1]
    code, out, err = dataset(*made)
    assert (code, err) == (0, "")
    assert "  damaged  1" in out
    assert "damaged: is not a picture that can be read  1     broken.jpg   download it again" in out
    assert "damaged: is not a readable audio file" in out
    assert re.search(r"train: 19 pairs of 19 artworks and \d+ of 19 pieces", out)
    assert out.endswith(f"Next: art2mus train aligner --data {quoted(data)} --prior pocket\n")
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
    code, out, _ = dataset("scan", steps, "--artworks", pictures, "--music", sounds, "--workers", 1, "--json")
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
        (("report", "out"), "no pairs.parquet or articaps.parquet or manifest.parquet in out"),
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


def test_a_dataset_can_be_moved_with_its_files(dataset, folders, pocket_like, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(folders[0], data / "artworks")
    shutil.copytree(folders[1], data / "music")
    dataset("make", data / "artworks", data / "music", "--out", data, "--encoder", pocket_like, "--workers", 1)
    data.rename("elsewhere")
    pairs = read_pairs(Path("elsewhere"))
    assert all(Path("elsewhere", each).is_file() for pair in pairs for each in (pair.artwork, pair.music))


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


def test_time_left_is_told_over_all_stages(folders, pocket_like, tmp_path):
    from art2mus_core.datasets.making import HEAVY, Plan, make

    steps = []
    make(Plan(*folders, pocket_like), tmp_path / "data", map, on_step=steps.append)
    assert list(dict.fromkeys(step.stage for step in steps)) == list(HEAVY)
    shares = [step.done for step in steps]
    assert shares == sorted(shares)
    assert {step.total for step in steps} == {shares[-1]} == {1000}
