from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from art2mus_core.audio.reading import read_audio
from art2mus_core.errors import OutputError
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.evaluation.report.page import write_page
from art2mus_core.evaluation.results import Report

from .conftest import HOSTILE, IDS, SYSTEMS, write_sound

VOID = {"meta", "img", "input", "br", "link", "hr"}
EMPTY = Report({}, {}, {})


class Page(HTMLParser):
    """What a browser would see: elements with attributes, text by element, and whether every element is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open, self.elements, self.texts, self.crossed = [], [], [], []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", " ".join(data.split())))

    def all(self, tag, **wanted):
        found = [attributes for name, attributes in self.elements if name == tag]
        return [each for each in found if all(each.get(key) == value for key, value in wanted.items())]

    def said(self, *tags):
        return [text for tag, text in self.texts if tag in tags]

    @property
    def data(self):
        return json.loads(next(text for tag, text in self.texts if tag == "script" and text.startswith("{")))


@pytest.fixture
def write(folder):
    def write(report=EMPTY, out=None, **settings):
        out = out or folder.parent / "page.html"
        write_page(report, read_collection(folder), out, **settings)
        return Page(out)

    return write


def test_every_part_is_there_and_every_element_is_closed(write, report):
    page = write(report, title="A title")
    assert (page.open, page.crossed) == ([], [])
    assert page.said("h1") == page.said("title")[:1] == ["A title"]
    assert {"match", "sound", "faults", "scatters", "gallery", "notes", "made"} <= {
        each.get("id") for _, each in page.elements
    }
    assert len(page.all("article")) == 4
    assert len(page.all("button", **{"class": "play"})) == 4 * 3 + 1
    assert len(page.all("svg")) == 3  # intervals of two measures (nothing is finite in the third), one scatter plot
    assert len([each for each in page.all("circle") if "data-id" in each]) == 3
    assert "0.310" in page.said("span")
    assert "0.200 to 0.420" in page.said("small")
    assert "control 0.010, gap +5.2" in page.said("small")
    assert "a, " + HOSTILE in page.said("dd")


def test_names_are_text_whatever_they_say(write, report):
    page = write(report, title=HOSTILE)
    assert len(page.all("script")) == 2
    assert not page.all("b", id=None)[1:]  # the one of the legend
    assert page.said("h1") == [HOSTILE]
    assert set(SYSTEMS) <= set(page.said("span"))
    assert [each["data-id"] for each in page.all("article")] == sorted(IDS)
    assert page.data["measures"][0]["title"] == HOSTILE
    assert set(page.data["values"]) == set(SYSTEMS)


def test_what_is_missing_is_a_dash_in_the_table_and_null_in_the_values(write, report):
    page = write(report)
    assert "–" in page.said("span")
    assert not re.search(
        r"\b(nan|inf|None)\b",
        " ".join(text for tag, text in page.texts if tag not in ("script", "style")),
        re.IGNORECASE,
    )
    values = page.data["values"]
    assert [row["title"] for row in page.data["measures"]] == [HOSTILE]  # no piece has a peak
    assert values[SYSTEMS[0]]["plain"] == [0.75]
    assert values[SYSTEMS[1]] == {"plain": [None], "plain--2": [0.12346]}


def test_a_folder_without_a_report_is_a_gallery(write):
    page = write()
    assert (page.open, page.crossed) == ([], [])
    assert page.said("h1") == ["müsic & more"]
    assert page.said("h2") == ["Gallery"]
    assert not page.all("table") + page.all("svg") + page.all("select", id="measure")
    assert len(page.all("article")) == 4


@pytest.mark.parametrize("where", ["müsic & more", "elsewhere", "far/away #2", "."])
def test_links_lead_from_the_page_to_the_files(write, folder, where):
    (folder.parent / where).mkdir(parents=True, exist_ok=True)
    page = write(out=folder.parent / where / "page.html")
    sources = [each["data-source"] for each in page.all("button", **{"class": "play"})]
    found = {(folder.parent / where / unquote(source)).resolve() for source in sources}
    assert found == {path.resolve() for path in folder.rglob("*.wav")}
    assert not [source for source in sources if re.search(r"[ #?\"'<>:\\]|[^\x00-\x7f]|^/", source)]


def test_nothing_comes_from_outside(write, report):
    page = write(report)
    addresses = [each[key] for _, each in page.elements for key in ("src", "href") if key in each]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy["content"].startswith("default-src 'none';")
    assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", re.sub(r"data:[^\"]*", "", page.source))


def test_embedded_music_needs_no_file(write, folder, tmp_path):
    page = write(embed=True)
    sources = [each["data-source"] for each in page.all("button", **{"class": "play"})]
    assert len(sources) == 13
    kind, content = sources[0].split(",")
    assert kind == "data:audio/ogg;base64"
    (tmp_path / "piece.opus").write_bytes(base64.b64decode(content))
    assert read_audio(tmp_path / "piece.opus").seconds == pytest.approx(0.5, abs=0.02)


def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_shown(write, folder):
    (folder / SYSTEMS[1] / "plain.wav").write_bytes(b"RIFF no sound")
    (folder / "artworks" / "plain.png").write_bytes(b"no picture")
    page = write()
    assert "2 files cannot be read; the gallery shows the reasons." in page.said("li")
    (problem,) = [text for text in page.said("p") if text.startswith("plain.wav")]
    assert str(folder) not in problem
    assert len(page.all("img")) == 3 + 12


def test_pieces_shorter_than_a_window_are_drawn(write, folder):
    write_sound(folder / SYSTEMS[0] / "plain.wav", seconds=0.01)
    page = write()
    assert {each["data-seconds"] for each in page.all("div", **{"class": "strip"})} == {"0.010", "0.500"}


def test_a_folder_of_sounds_alone_is_shown_without_pictures(tmp_path):
    write_sound(tmp_path / "sounds" / "one.flac")
    write_page(EMPTY, read_collection(tmp_path / "sounds"), tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert "1 artwork · 1 system · 1 piece" in page.said("p")
    assert "no picture" in page.said("p")


def test_the_page_depends_on_nothing_but_what_it_shows(write, report, folder):
    first, second = (write(report, folder.parent / name).source for name in ("a.html", "b.html"))
    assert first == second


def test_progress_is_told_artwork_by_artwork(write):
    steps = []
    write(on_step=steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [("gallery", n, 4) for n in range(1, 5)]


def test_a_wrong_place_is_refused_before_any_work(write, folder):
    steps = []
    with pytest.raises(OutputError, match=r"\.html"):
        write(out=folder.parent / "page.txt", on_step=steps.append)
    assert not steps
