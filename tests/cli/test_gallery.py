from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from art2mus_core.audio.files import write_audio
from art2mus_core.evaluation.results import Measure, Report, Result, write_report
from art2mus_core.types import Waveform

from .saying import one_line, written


@pytest.fixture
def music(paintings, tmp_path):
    """Two systems' pieces for the paintings."""
    time = torch.arange(4000) / 8000
    for system in ("mine", "theirs"):
        (tmp_path / "music" / system).mkdir(parents=True)
        for path in paintings.iterdir():
            sound = Waveform(0.3 * torch.sin(2 * math.pi * 440 * time)[None, None], 8000)
            write_audio(tmp_path / "music" / system / f"{path.stem}.flac", sound, tags={}, cover=None)
    return tmp_path / "music"


def test_a_folder_becomes_a_page(art2mus, music, paintings):
    code, out, err = art2mus("gallery", music, "page.html", "--artworks", paintings, model=None)
    assert (code, out, err) == (0, "page.html\n", "")
    assert written() == ["page.html"]
    page = Path("page.html").read_text(encoding="utf-8")
    assert page.count("<article") == 3
    assert page.count('data-source="../music/') == 6
    assert "<table" not in page


def test_a_piece_that_cannot_be_heard_is_told_and_the_page_is_whole(art2mus, music, paintings):
    (music / "mine" / "dawn.flac").write_bytes(b"nothing")
    code, out, err = art2mus("gallery", music, "page.html", "--artworks", paintings, model=None)
    assert (code, out, one_line(err)) == (2, "page.html\n", True)
    assert "mine/dawn: dawn.flac" in err
    assert Path("page.html").read_text(encoding="utf-8").count("<article") == 3


def test_its_report_is_shown_with_it(art2mus, music, paintings):
    measures = {"x": Measure("x", "How well it fits", "match", "higher")}
    report = Report(measures, {"mine": {"x": Result(0.25, 3)}}, {"mine": {"dawn": {"x": 0.5}}})
    write_report(report, music / "report.json")
    assert art2mus("gallery", music, "page.html", "--artworks", paintings, "--title", "A & B", model=None)[0] == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert "<h1>A &amp; B</h1>" in page
    assert page.count("How well it fits") > 2


def test_it_can_hold_the_music_itself(art2mus, music, paintings):
    assert art2mus("gallery", music, "page.html", "--artworks", paintings, "--embed", model=None)[0] == 0
    assert Path("page.html").read_text(encoding="utf-8").count('data-source="data:audio/ogg;base64,') == 6


def test_what_has_no_partner_is_refused_or_left_out(art2mus, music, paintings):
    (music / "mine" / "dawn.flac").unlink()
    asked = ("gallery", music, "page.html", "--artworks", paintings)
    code, _, err = art2mus(*asked, model=None)
    assert code == 2
    assert one_line(err)
    assert "--partial" in err
    assert not written()
    assert art2mus(*asked, "--partial", model=None)[0] == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert page.count("<article") == 2
    assert "Left out" in page


@pytest.mark.parametrize("wrong", [("music", "page.txt"), ("nothing", "page.html")], ids=str)
def test_a_mistake_is_one_line_and_writes_nothing(art2mus, music, paintings, wrong):
    folder, out = wrong
    code, _, err = art2mus("gallery", music.parent / folder, out, "--artworks", paintings, model=None)
    assert code == 2
    assert one_line(err)
    assert not written()
