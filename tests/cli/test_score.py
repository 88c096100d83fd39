"""`art2mus score`: music that is there already."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from ..evaluation.conftest import write
from .saying import one_line, written


@pytest.fixture
def music(paintings):
    """Two systems' pieces for the paintings, of other rates and channels."""
    rng = np.random.default_rng(0)
    for path in paintings.iterdir():
        write(Path("music/mine") / f"{path.stem}.flac", 0.3 * rng.normal(size=(1, 32_000)).clip(-3, 3), 16_000)
        write(Path("music/theirs") / f"{path.stem}.wav", 0.1 * rng.normal(size=(2, 88_200)).clip(-3, 3), 44_100)
    return Path("music")


@pytest.fixture
def scored(art2mus, paintings):
    def run(*options):
        return art2mus("score", "music", "--artworks", paintings, "--resamples", "100", *options, model=None)

    return run


def test_figures_are_printed_and_written(scored, music):
    code, out, err = scored()
    assert (code, err) == (0, "")
    head, *lines = out.splitlines()
    assert head.split() == ["measure", "mine", "theirs"]
    assert any(line.startswith("Cosine, pocket, artwork and music") for line in lines)
    assert lines[-2:] == ["music/report.json", "music/report.html"]
    assert any(line.startswith("- There is no real music") for line in lines)


def test_the_page_may_lie_elsewhere(scored, music, paintings):
    assert scored("--out", "page.html", "--reference", music / "mine", "--json")[0] == 0
    assert {"page.html", "page.json"} <= set(written())
    assert "music/report.json" not in written()
    figures = json.loads(Path("page.json").read_text())["figures"]
    assert figures["mine"]["distance:log-spectral"]["value"] == 0
    assert figures["theirs"]["distance:log-spectral"]["value"] > 1
    assert figures["mine"]["frechet:pocket"]["value"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda music: write(music / "mine" / "dawn.wav", np.zeros((1, 9))), "two files for the id dawn"),
        (lambda music: (music / "mine" / "dawn.flac").unlink(), "mine has no music for: dawn (1 in all)"),
        (lambda music: (music / "items.json").write_text("{"), "items.json cannot be read"),
    ],
)
def test_bad_input_is_one_line(scored, music, spoil, said):
    spoil(music)
    code, out, err = scored()
    assert (code, out) == (2, "")
    assert one_line(err)
    assert said in err
    assert not [name for name in written() if "report" in name]


def test_what_cannot_be_read_is_listed_and_the_rest_is_scored(scored, music):
    pieces = sorted((music / "mine").iterdir())
    for folder, shift in (("reference", 1), ("background", 0)):
        for number, path in enumerate(pieces):
            (music / folder).mkdir(exist_ok=True)
            shutil.copy(pieces[number - shift], music / folder / path.name)
    short, silent, lost = (path.name for path in pieces)
    write(music / "mine" / short, np.zeros((1, 1000)))
    (music / "reference" / silent).write_bytes((music / "reference" / silent).read_bytes()[:-4000])
    (music / "background" / lost).write_bytes(b"nothing")
    write(music / "background" / "brief.flac", np.full((1, 19_200), 0.1))
    code, out, err = scored("--json")
    assert (code, one_line(err)) == (2, True)
    said = json.loads(out.splitlines()[-1])
    for name, why in (
        (f"mine/{short}", "a sound of 0.06 s"),
        (f"reference/{silent}", "early: its header states 2.00 s"),
        (f"background/{lost}", "no sound"),
        ("background/brief.flac", "a sound of 1.20 s, where 1.61 s are needed"),
    ):
        assert why in said["made"]["left_out"][f"music/{name}"]
        assert name in err
        assert any(name in note for note in said["notes"])
    mine, theirs = said["figures"]["mine"], said["figures"]["theirs"]
    assert (mine["match:pocket"]["n"], theirs["match:pocket"]["n"]) == (2, 3)
    assert (mine["music:pocket"]["n"], theirs["distance:log-spectral"]["n"]) == (1, 2)
    assert "kernel:pocket" in theirs
    report = json.loads(Path("music/report.json").read_text())
    assert report["notes"] == said["notes"]
    assert short in Path("music/report.html").read_text()


def test_nothing_that_can_be_read_is_one_line(scored, music):
    for path in (*(music / "mine").iterdir(), *(music / "theirs").iterdir()):
        path.write_bytes(b"nothing")
    code, out, err = scored()
    assert (code, out, one_line(err)) == (2, "", True)
    assert "no piece is left" in err
    assert not [name for name in written() if "report" in name]


def test_samples_that_are_not_finite_are_told_by_file(scored, music):
    data = np.full(32_000, np.nan, "<f4").tobytes()
    form = struct.pack("<HHIIHH", 3, 1, 16_000, 64_000, 4, 32)
    head = struct.pack("<4sI4s4sI16s4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, form, b"data", len(data))
    (music / "mine" / "dusk.wav").write_bytes(head + data)
    (music / "mine" / "dusk.flac").unlink()
    code, _, err = scored()
    assert (code, one_line(err)) == (2, True)
    assert "mine/dusk.wav has 32000 of 32000 samples that are NaN" in err


def test_folders_that_are_none(art2mus, music):
    Path("empty").mkdir()
    for arguments, said in (
        (("nowhere",), "nowhere is not a folder"),
        (("empty",), "empty contains no music"),
        (("music", "--out", "page.txt"), "page.txt"),
        (("music", "--artworks", "empty"), "contains no picture"),
        (("music", "--background", "empty"), "empty"),
    ):
        code, out, err = art2mus("score", *arguments, model=None)
        assert (code, out, one_line(err)) == (2, "", True), arguments
        assert said in err
