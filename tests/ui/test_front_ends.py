"""What surrounds the nodes: the help panel, other languages, and front ends that lack something."""

from __future__ import annotations

import pytest

from .canvas import PACK, Canvas, small

pytestmark = pytest.mark.ui

OTHERWISE = """
const whole = LGraphNode.prototype.addDOMWidget;
Object.defineProperty(LGraphNode.prototype, "addDOMWidget", {
  get: () => (new Error().stack.split("\\n").slice(2).some((caller) => caller.includes("/extensions/")) ? %s : whole),
  set: () => {},
});
"""
"""Our modules see another `addDOMWidget` than the host's."""
FRONT_ENDS = {
    "without": "undefined",
    "broken": "() => { throw new Error('a broken addDOMWidget'); }",
}
HEARD = "() => [...document.querySelectorAll('audio')].filter((player) => player.readyState > 0).length"


@pytest.fixture
def page(browser):
    """A page of its own."""
    opened = browser.new_page(viewport={"width": 1600, "height": 950})
    yield opened
    opened.close()


def altered(page, front_end: str) -> None:
    """Serves the extension with a line before it that alters the front end."""

    def answer(route):
        route.fulfill(response=(response := route.fetch()), body=OTHERWISE % FRONT_ENDS[front_end] + response.text())

    page.route("**/extensions/*/js/art2mus.js", answer)


def test_without_dom_widgets_the_host_plays(page, server):
    altered(page, "without")
    canvas = Canvas(page, server.address, vue=False)
    for vue in (False, True):
        canvas.set("Comfy.VueNodes.Enabled", vue)
        canvas.load(small())
        canvas.run()
        page.wait_for_function(f"() => ({HEARD})() > 0", timeout=30_000)
        assert page.locator(".art2mus-player").count() == 0
    assert [line for line in canvas.complaints if "Art2Mus:" in line] == []


def test_a_fault_of_ours_costs_the_player_only(page, server):
    altered(page, "broken")
    canvas = Canvas(page, server.address, vue=True)
    canvas.load(small())
    canvas.load(small())
    canvas.run()
    assert page.locator(".art2mus-player").count() == 0
    assert len([line for line in canvas.complaints if "Art2Mus:" in line]) == 1


@pytest.mark.parametrize("answer", [None, '{"en": {}}'])
def test_without_words_the_player_plays(page, server, answer):
    """The server doesn't answer, or has none of ours."""
    page.route("**/i18n", lambda route: route.abort() if answer is None else route.fulfill(body=answer))
    canvas = Canvas(page, server.address, vue=True)
    canvas.load(small())
    canvas.run()
    canvas.wait_for_players()
    page.focus(".art2mus-spectrogram")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute(".art2mus-spectrogram", "aria-valuetext") == "1 / 3"
    assert [line for line in canvas.complaints if "no player" in line] == []


def test_help(canvas):
    """The panel shows our page, and the picture in it."""
    text = (PACK / "web" / "docs" / "Art2MusSampler.md").read_text(encoding="utf-8")
    canvas.load(small())
    canvas.page.evaluate("() => app.canvas.selectNode(app.graph.nodes.find((node) => node.type === 'Art2MusSampler'))")
    canvas.page.click("[data-testid=info-button]")
    shown = canvas.page.locator(".node-help-content")
    shown.wait_for(timeout=15_000)
    assert shown.locator("h1, h2").first.inner_text() == text.splitlines()[0].lstrip("# ").strip()
    if "](Art2MusSampler." in text:
        picture = ".node-help-content img"
        canvas.page.wait_for_function(f"() => document.querySelector('{picture}').naturalWidth > 0", timeout=15_000)
    canvas.set("Comfy.RightSidePanel.IsOpen", False)


@pytest.mark.skipif(not (PACK / "locales" / "zh").is_dir(), reason="there are no Chinese texts yet")
def test_chinese(browser, server):
    with browser.new_context(locale="zh-CN", viewport={"width": 1600, "height": 950}) as context:
        canvas = Canvas(context.new_page(), server.address, vue=True)
        canvas.load(small())
        titles = canvas.page.evaluate("() => app.graph.nodes.map((node) => [node.type, node.title])")
        ours = {kind: title for kind, title in titles if kind.startswith("Art2Mus")}
        assert len(ours) == 6
        assert not any(title.isascii() for title in ours.values()), ours
        assert "音乐" in canvas.page.locator(".art2mus-waiting").inner_text()
