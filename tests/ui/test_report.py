"""The report in a real browser, as a local file."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.evaluation.records import Collection, Piece, Subject
from art2mus_core.evaluation.results import Measure, Report, Result, Scatter
from art2mus_core.types import Waveform

pytestmark = pytest.mark.ui

NAMES = ("a moor", "b & bëe #2", "c 50%", "d")
SCORES = {"mine": (0.3, -0.1, 0.4, math.nan), "theirs": (0.1, 0.2, 0.3, 0.4)}
MEASURES = {
    "fit": Measure("fit", "Fit", "match", "higher"),
    "loud": Measure("loud", "Loudness", "faults", "", "", "LUFS"),
}


def collection(folder):
    time = torch.arange(3 * 8000) / 8000
    rng = np.random.default_rng(0)
    systems: dict[str, tuple[Piece, ...]] = {}
    subjects = {
        name: Subject(name, folder / f"{n}.png", ("paintings", "synthetic")[n % 2]) for n, name in enumerate(NAMES)
    }
    for system in SCORES:
        for n, name in enumerate(NAMES):
            path = folder / "müsic" / system / f"{name}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            sound = 0.1 * torch.sin(2 * math.pi * 220 * (n + 1) * time)[None, None]
            write_audio(path, Waveform(sound, 8000), tags={}, cover=None)
            systems[system] = (*systems.get(system, ()), Piece(subjects[name], path=path))
    for subject in subjects.values():
        Image.fromarray(rng.integers(256, size=(60, 90, 3), dtype=np.uint8)).save(subject.picture)
    return Collection(folder, subjects, systems)


def report():
    pieces = {
        system: {
            name: {"fit": value, "loud": -20.0 - n} for n, (name, value) in enumerate(zip(NAMES, row, strict=True))
        }
        for system, row in SCORES.items()
    }
    figures = {system: {"fit": Result(0.2, 4, 0.1, 0.3, 0.0, 2.0)} for system in SCORES}
    points = tuple((name, float(n), float(n)) for n, name in enumerate(NAMES))
    return Report(MEASURES, figures, pieces, (Scatter("mine", "all", "lightness", "brightness", points),), ("A note.",))


class Gallery:
    """The opened page, what it asked for, and what its console complained of."""

    def __init__(self, page, path):
        self.page, self.complaints, self.requests = page, [], []
        page.on("console", lambda line: self.complaints.append(line.text) if line.type != "log" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.as_uri())

    def button(self, system, name):
        return self.page.get_by_role("button", name=f"Play {system}, for {name}", exact=True)

    def wait_until_pressed(self, *systems):
        """Until these systems' buttons are pressed and no other; the player tells of it a moment later."""
        pressed = """(systems) => JSON.stringify(systems) === JSON.stringify(
          [...document.querySelectorAll(".play[aria-pressed=true]")].map((one) => one.closest(".track").dataset.system))"""
        self.page.wait_for_function(pressed, arg=list(systems), timeout=5000)

    def wait_for_sound(self, beyond=0.2):
        state = "(beyond) => { const a = document.querySelector('audio'); return !a.paused && a.readyState > 2 && a.currentTime > beyond }"
        self.page.wait_for_function(state, arg=beyond, timeout=10_000)

    def time(self):
        return self.page.evaluate("document.querySelector('audio').currentTime")

    def shown(self):
        return self.page.eval_on_selector_all(
            ".card", "(cards) => cards.filter((card) => !card.hidden).map((card) => card.dataset.id)"
        )


@pytest.fixture(scope="module", params=[False, True], ids=["linked", "embedded"])
def path(request, tmp_path_factory):
    from art2mus_core.evaluation.report.page import write_page

    folder = tmp_path_factory.mktemp("report")
    (folder / "päge #1").mkdir()
    path = folder / "päge #1" / "report.html"
    write_page(report(), collection(folder), path, embed=request.param)
    return path


@pytest.fixture
def gallery(browser, path):
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    opened = Gallery(page, path)
    yield opened
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    page.close()


def test_one_piece_is_heard_at_a_time(gallery):
    gallery.button("mine", "b & bëe #2").click()
    gallery.wait_for_sound()
    gallery.wait_until_pressed("mine")
    assert gallery.page.evaluate("document.querySelector('audio').duration") == pytest.approx(3, abs=0.05)
    gallery.button("theirs", "c 50%").click()
    gallery.wait_for_sound()
    gallery.wait_until_pressed("theirs")
    assert gallery.page.inner_text("#playing") == "theirs · c 50%"
    assert gallery.page.locator(".playhead:visible").count() == 1
    gallery.button("theirs", "c 50%").click()
    gallery.wait_until_pressed()
    assert gallery.page.evaluate("document.querySelector('audio').paused")
    assert gallery.time() < 2.5  # and not because it is over


def test_keys_play_seek_and_move_on(gallery):
    gallery.button("mine", "a moor").focus()
    gallery.page.keyboard.press("Space")
    gallery.wait_for_sound(0.0)
    gallery.page.keyboard.press("ArrowRight")
    assert gallery.time() >= 2
    gallery.page.keyboard.press("ArrowDown")
    gallery.page.keyboard.press("Space")
    gallery.page.wait_for_function("document.querySelector('#playing').textContent.startsWith('theirs')")
    gallery.wait_until_pressed("theirs")


def test_the_strip_is_a_way_into_the_piece(gallery):
    strip = gallery.page.locator(".strip").first
    strip.click(position={"x": strip.bounding_box()["width"] * 0.6, "y": 10})
    gallery.wait_for_sound(1.5)
    assert 1.7 < gallery.time() < 2.9


def test_groups_are_chosen_and_values_put_in_order(gallery):
    assert gallery.shown() == list(NAMES)
    gallery.page.select_option("#order", "-1")
    assert gallery.shown() == ["c 50%", "a moor", "b & bëe #2", "d"]  # what has no value comes last
    gallery.page.select_option("#order", "1")
    assert gallery.shown() == ["b & bëe #2", "a moor", "c 50%", "d"]
    gallery.page.select_option("#system", "theirs")
    assert gallery.shown() == list(NAMES)
    gallery.page.select_option("#measure", label="Loudness (LUFS)")
    assert gallery.shown() == list(reversed(NAMES))
    assert gallery.page.locator(".number").first.text_content().strip() == "−23.0"
    gallery.page.select_option("#group", "synthetic")
    assert gallery.shown() == ["d", "b & bëe #2"]
    assert gallery.page.inner_text("#count") == "2 artworks"
    gallery.page.select_option("#order", "0")
    assert gallery.shown() == ["b & bëe #2", "d"]


def test_next_follows_the_order_on_the_page(gallery):
    gallery.page.select_option("#group", "synthetic")
    gallery.button("theirs", "b & bëe #2").click()
    gallery.wait_for_sound()
    gallery.page.click("#next")
    gallery.page.wait_for_function("document.querySelector('#playing').textContent === 'mine · d'")
    gallery.wait_for_sound()
    gallery.wait_until_pressed("mine")


def test_all_values_of_an_artwork_can_be_opened(gallery):
    gallery.page.locator("summary").nth(3).click()
    gallery.page.locator(".card >> nth=3 >> tr").first.wait_for()  # the toggle event is asynchronous
    rows = gallery.page.locator(".card >> nth=3 >> tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [
        ["", "mine", "theirs"],
        ["Fit", "–", "0.400"],
        ["Loudness (LUFS)", "−23.0", "−23.0"],
    ]


def test_a_dot_leads_to_its_artwork(gallery):
    gallery.page.select_option("#group", "paintings")
    gallery.page.locator("circle[data-id='d']").click()
    assert gallery.page.evaluate("document.activeElement.closest('.card').dataset.id") == "d"
    assert gallery.page.locator(".card[data-id='d']").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_it_fits_the_screen_in_both_schemes(browser, path, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    colours = "[document.documentElement, document.body].map((one) => getComputedStyle(one))"
    ink, paper = page.evaluate(f"(([page, body]) => [body.color, page.backgroundColor])({colours})")
    light = [sum(map(int, colour[4:-1].split(","))) for colour in (ink, paper)]
    assert (light[0] < light[1]) == (scheme == "light")
    page.close()
