"""What the audit and the doctor find, above all files that changed."""

from __future__ import annotations

import json
import shutil

from PIL import Image

from art2mus_core.datasets.tables import PAIRS

from .folders import fill, utterance


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
