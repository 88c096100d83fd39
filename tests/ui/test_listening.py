"""A listener's way through a listening test, in a real browser."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from ..listening.making import SYSTEMS, listening, write_folder

pytestmark = pytest.mark.ui

PHONE = {"width": 390, "height": 844}
SECONDS = 0.9


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("music"), seconds=SECONDS, size=(420, 560))


@pytest.fixture
def visit(browser, music, tmp_path):
    """Opens the page of a new study; fails if the console complains, or a response names a system."""
    contexts, complaints = [], []

    def leaks(response):
        said = " ".join(f"{key}: {value}" for key, value in response.headers.items()) + response.url
        complaints.extend(name for name in SYSTEMS if name in said)

    def heard(line):
        if line.type in ("error", "warning") and "net::ERR" not in line.text:  # servers die here
            complaints.append(line.text)

    def opened(address, **settings):
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(error.stack))
        page.on("response", leaks)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def begin(page):
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("Page 1 of").wait_for()


def listen_through(page):
    for button in page.locator("button.play").all():
        button.click()
        page.wait_for_function("(button) => button.dataset.state === 'paused'", arg=button.element_handle())


def answer(page):
    """Listens and answers as the page asks, or with 4 and A; the number of the page."""
    listen_through(page)
    asked = page.locator(".check")
    comparing = page.locator("form.ab").count() > 0
    wanted = ("A" if comparing else "4") if not asked.count() else asked.inner_text().rstrip(".").split()
    wanted = wanted if isinstance(wanted, str) else next(word for word in wanted if word in {*"12345", "A", "B"})
    for scale in page.locator("fieldset").all():
        scale.get_by_role("radio", name=wanted, exact=True).check()
    number = where(page)
    page.get_by_role("button", name="Next").click()
    page.wait_for_function("(before) => document.querySelector('header')?.innerText !== before", arg=number)
    return number


def where(page):
    return page.locator("header").inner_text()


def rows(answers, query):
    with closing(sqlite3.connect(answers)) as connection:
        return connection.execute(query).fetchall()


def test_a_listener_rates_everything_and_goes_on_after_a_reload(visit, music, tmp_path):
    answers = tmp_path / "study.sqlite"
    with listening(music, "--answers", str(answers), "--rounds", "1") as (address, _):
        page = visit(address)
        begin(page)
        assert answer(page) == "Page 1 of 5"
        assert answer(page) == "Page 2 of 5"
        page.reload()
        page.get_by_text("Page 3 of 5").wait_for()
        elsewhere = visit(page.url)
        elsewhere.get_by_text("Page 3 of 5").wait_for()
        for _ in range(3):
            answer(page)
        page.get_by_role("heading", name="Thank you").wait_for()
        page.reload()
        page.get_by_role("heading", name="Thank you").wait_for()
        page.get_by_role("button", name="another listener").click()
        page.get_by_role("button", name="Begin").wait_for()
    assert rows(answers, "SELECT COUNT(*), COUNT(DISTINCT trial) FROM answer") == [(15, 5)]
    assert rows(answers, "SELECT DISTINCT value FROM answer JOIN trial ON trial.id = trial WHERE kind = 'main'") == [
        (4,)
    ]
    assert rows(answers, "SELECT COUNT(*) FROM answer JOIN trial ON trial.id = trial WHERE value = wanted") == [(3,)]


def test_nothing_can_be_answered_before_it_was_heard(visit, music, tmp_path):
    with listening(music, "--answers", str(tmp_path / "study.sqlite"), "--rounds", "1") as (address, _):
        page = visit(address)
        begin(page)
        page.get_by_text("Listen first: 1 s left.").wait_for()
        assert page.get_by_role("radio", disabled=True).count() == 15
        page.keyboard.press("4")
        page.locator("input[type=range]").fill("0.89")  # to skip is not to listen
        assert page.get_by_role("radio", disabled=True).count() == 15
        assert page.get_by_role("radio", checked=True).count() == 0
        listen_through(page)
        page.get_by_role("button", name="Play Music").click()
        page.get_by_text("Answer to continue.").wait_for()
        assert page.get_by_role("button", name="Next").is_disabled()


def test_a_comparison_is_done_by_keyboard_alone(visit, music, tmp_path):
    answers = tmp_path / "study.sqlite"
    with listening(music, "--answers", str(answers), "--mode", "ab", "--rounds", "1") as (address, _):
        page = visit(address)
        page.get_by_role("button", name="Begin").wait_for()
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        for number in range(1, 5):
            page.get_by_text(f"Page {number} of 4").wait_for()
            for letter in "ab":
                page.keyboard.press(letter)
                page.locator("[data-state=playing]").wait_for()
                assert page.locator("[data-state=playing]").count() == 1
                page.wait_for_function("() => !document.querySelector('[data-state=playing]')")
            page.locator("fieldset:enabled").wait_for()
            page.keyboard.press("2")
            assert page.get_by_role("radio", name="B").is_checked()
            page.keyboard.press("Enter")
        page.get_by_role("heading", name="Thank you").wait_for()
    assert rows(answers, "SELECT question, value FROM answer") == [("preference", 2)] * 4


def test_ratings_are_done_by_keyboard_alone(visit, music, tmp_path):
    with listening(music, "--answers", str(tmp_path / "study.sqlite"), "--rounds", "1") as (address, _):
        page = visit(address)
        begin(page)
        page.keyboard.press("Space")
        page.locator("fieldset:enabled").first.wait_for()
        for key in "325":
            page.keyboard.press(key)
        chosen = page.get_by_role("radio", checked=True)
        assert [each.get_attribute("value") for each in chosen.all()] == ["3", "2", "5"]
        page.keyboard.press("Enter")
        page.get_by_text("Page 2 of 5").wait_for()


def test_no_answer_is_lost_when_the_server_dies(visit, music, tmp_path):
    options = ("--answers", str(tmp_path / "study.sqlite"), "--rounds", "1")
    with listening(music, *options) as (address, process):
        page = visit(address)
        begin(page)
        answer(page)
        listen_through(page)
        process.kill()
        process.wait()
    for scale in page.locator("fieldset").all():
        scale.get_by_role("radio", name="3").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("alert").get_by_text("not saved yet").wait_for()
    with listening(music, *options, "--port", address.rstrip("/").rpartition(":")[2]):
        page.get_by_role("button", name="Try again").click()
        page.get_by_text("Page 3 of 5").wait_for()


@pytest.mark.parametrize("mode", ["rating", "ab"])
def test_the_page_fits_a_phone(visit, music, tmp_path, mode):
    options = ("--answers", str(tmp_path / "study.sqlite"), "--rounds", "1", "--mode", mode)
    with listening(music, *options) as (address, _):
        page = visit(address, viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark")
        wide = "() => document.documentElement.scrollWidth > innerWidth"
        assert not page.evaluate(wide)
        begin(page)
        page.wait_for_function("() => document.querySelector('figure img').naturalWidth > 0")
        assert not page.evaluate(wide)
        listen_through(page)
        small = "() => [...document.querySelectorAll('.choices label')].some((label) => label.offsetHeight < 44)"
        assert not page.evaluate(small)
