from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from art2mus_core.datasets.joining import Joined, read_rows
from art2mus_core.datasets.manifest import write_manifest
from art2mus_core.datasets.reading import read_pairs
from art2mus_core.datasets.reporting import Sheet, draw, read_pairing, write_report
from art2mus_core.datasets.tables import PAIRS, ArtworkRow, MusicRow, PairRow
from art2mus_core.errors import DatasetError, OutputError, SettingError
from art2mus_core.types import Step

from .released import HOSTILE, PAIRED, contents, make


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be written to, except for pages."""
    return make(tmp_path_factory.mktemp("report") / "Daten #1")


def sources(page: Path) -> list[str]:
    return re.findall(r'data-source="([^"]*)"', page.read_text(encoding="utf-8"))


def test_the_page_shows_pairs_that_play_and_loads_nothing(data: Path):
    steps, page = list[Step](), data / "pages" / "report.html"
    assert write_report(data, page, on_step=steps.append) == []
    assert [(step.stage, step.done, step.total) for step in steps] == [
        ("report", n, PAIRED) for n in range(1, PAIRED + 1)
    ]
    text = page.read_text(encoding="utf-8")
    assert all((page.parent / unquote(source)).is_file() for source in sources(page))
    assert len(sources(page)) == text.count("<article") == PAIRED
    assert text.count('src="data:image/jpeg') == text.count('src="data:image/webp') == PAIRED
    assert "11 pairs · 7 artworks · 5 pieces of music" in text
    assert HOSTILE not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | `x`" in text
    assert not re.search(r"https?:|@import|url\(", re.sub(r"data:[^\"]*", "", text))
    values = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])["values"]["music"]
    assert values["000004"] == [0.0, 1, 5.0]


def test_the_same_dataset_gives_the_same_page(data: Path, tmp_path: Path):
    for name in "ab":
        write_report(data, tmp_path / name / "page.html", Sheet(5, 3, "embedded"))
    assert len(set(contents(tmp_path).values())) == 1
    write_report(data, tmp_path / "a" / "page.html", Sheet(5, 4, "embedded"))
    assert len(set(contents(tmp_path).values())) == 2


def test_embedded_sounds_are_cut_and_say_so(data: Path, tmp_path: Path, monkeypatch):
    from art2mus_core.datasets import reporting

    monkeypatch.setattr(reporting, "EXCERPT", reporting.Embedded("64k", 2.5))
    write_report(data, tmp_path / "page.html", Sheet(media="embedded"))
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(source.startswith("data:audio/ogg;base64,") for source in sources(tmp_path / "page.html"))
    assert Counter(re.findall(r'data-seconds="([^"]*)"', text)) == {"2.000": 3, "2.500": 8}
    assert text.count("the first 2.5 of") == 8


def test_the_comments_of_a_dataset_of_another_format_are_shown_and_counted(data: Path, tmp_path: Path):
    pairs = [
        replace(pair, artwork=f"artworks/{n}.png", music=f"music/{n}.flac")
        for n, pair in enumerate(read_pairs(data)[:2])
    ]
    for pair, row in zip(pairs, read_rows(data), strict=False):
        for name, file in zip((pair.artwork, pair.music), row.files, strict=True):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(file, tmp_path / name)
    write_manifest(tmp_path, [replace(pairs[0], comments=("so calm", HOSTILE)), pairs[1]])
    assert write_report(tmp_path, tmp_path / "report.html") == []
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count('src="data:image/jpeg') == len(sources(tmp_path / "report.html")) == 2
    first, second = re.findall(r"<article.*?</article>", text, re.DOTALL)
    assert re.findall(r"<dt>comment</dt><dd>(.*?)</dd>", first, re.DOTALL) == ["so calm", str(escape(HOSTILE))]
    assert "<dt>comment" not in second
    assert HOSTILE not in text
    assert re.search(r"Pairs with comments</th><td>1</td>", text)


def test_a_file_that_is_gone_is_named_and_the_rest_is_shown(tmp_path: Path):
    data = make(tmp_path)
    (data / "music" / "m 0" / "0.flac").unlink()
    (data / "artworks" / "painter 0" / "wörk 3.png").unlink()
    problems = write_report(data, data / "report.html")
    assert len(problems) == 3 + 2
    assert str(tmp_path) not in (data / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("sheet", "out", "error", "told"),
    [
        (Sheet(0), "report.html", SettingError, "0 pairs"),
        (Sheet(media="video"), "report.html", SettingError, "'video'"),
        (None, "report.pdf", OutputError, ".pdf"),
        (None, "music", OutputError, "music"),
    ],
    ids=["no pairs", "unknown media", "suffix", "folder"],
)
def test_what_cannot_be_drawn_is_refused(data: Path, sheet, out, error, told):
    with pytest.raises(error, match=told):
        write_report(data, data / out, sheet)


def test_a_dataset_without_pairs_or_with_a_damaged_note_is_refused(tmp_path: Path):
    data = make(tmp_path)
    for damage in ("[1", "[]", '{"rule": 3}', "[" * 100_000):
        (data / "pairing.json").write_text(damage, encoding="utf-8")
        with pytest.raises(DatasetError, match=r"pairing\.json cannot be read"):
            read_pairing(data)
    (data / "pairing.json").unlink()
    assert read_pairing(data) == []
    PAIRS.write(data / PAIRS.file, [])
    with pytest.raises(DatasetError, match="no pair in"):
        write_report(data, data / "report.html")
    (data / PAIRS.file).unlink()
    with pytest.raises(DatasetError, match=r"no pairs\.parquet"):
        write_report(data, data / "report.html")
    assert not (data / "report.html").exists()


def test_how_pairs_were_chosen_is_told_without_what_is_empty(data: Path):
    assert read_pairing(data) == [("space", "tiny"), ("mode", "nearest")]


def row(number: int, split: str, score: float | None) -> Joined:
    files = Path("a"), Path("m")
    return Joined(PairRow(str(number), "a", "m", split, score), ArtworkRow("a", "a"), MusicRow("m", "m"), files)


scores = st.none() | st.floats(-1, 1)
rows = st.lists(st.tuples(st.sampled_from(["train", "validation", "test"]), scores), min_size=1, max_size=30)


@given(rows, st.integers(1, 40), st.integers(0, 3))
def test_drawn_pairs_are_of_every_split_with_the_ends_in_the_order_of_the_table(parts, count, seed):
    given_rows = [row(number, *part) for number, part in enumerate(parts)]
    drawn = draw(given_rows, count, seed)
    assert len(drawn) == min(count, len(parts))
    places = [int(each.pair.id) for each in drawn]
    assert places == sorted(set(places))
    assert draw(given_rows, count, seed) == drawn
    known = [score for _, score in parts if score is not None]
    if known and count > 1:
        assert {max(known), min(known)} <= {each.pair.score for each in drawn}
    if count >= 5:
        assert {each.pair.split for each in drawn} == {split for split, _ in parts}


def test_another_seed_draws_others(data: Path):
    drawn = {tuple(each.pair.id for each in draw(read_rows(data), 4, seed)) for seed in range(8)}
    assert len(drawn) > 2
    assert all({"000000", "000010"} <= set(ids) for ids in drawn)
