"""Reports and releases."""

from __future__ import annotations

import json


def test_a_release_into_its_dataset_is_refused(dataset, tmp_path):
    (tmp_path / "data").mkdir()
    code, _, err = dataset("release", tmp_path / "data", "--out", tmp_path / "data" / ".." / "data")
    assert (code, "the dataset itself" in err) == (2, True)


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
