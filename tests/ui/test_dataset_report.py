"""The page of a dataset in a real browser, as a local file."""

from __future__ import annotations

import pytest

from ..datasets.released import PAIRED, make

pytestmark = pytest.mark.ui


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    from art2mus_core.datasets.reporting import write_report

    data = make(tmp_path_factory.mktemp("dataset") / "Daten #1")
    write_report(data, data / "report.html")
    return data / "report.html"


def test_pairs_are_chosen_put_in_order_and_heard(browser, path):
    page, complaints = browser.new_page(viewport={"width": 1200, "height": 900}), []
    page.on("console", lambda line: complaints.append(line.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    shown = "(cards) => cards.filter((card) => !card.hidden).map((card) => card.dataset.id)"
    assert page.eval_on_selector_all(".card", shown) == [f"{n:06d}" for n in range(PAIRED)]
    page.select_option("#group", "test")
    page.select_option("#order", "-1")
    assert page.eval_on_selector_all(".card", shown) == ["000010", "000009", "000008"]
    assert page.inner_text("#count") == "3 pairs"
    assert page.locator(".card:visible .number").first.text_content() == "0.750"
    page.locator(".card:visible .play").first.click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.2", timeout=10_000)
    assert page.inner_text("#playing").startswith("0 · m 0 · ")
    assert complaints == []
    page.close()


@pytest.mark.parametrize("width", [390, 1200])
def test_it_fits_the_screen(browser, path, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
