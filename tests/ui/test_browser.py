"""The shipped workflow in a real browser, in both of the front end's renderers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.ui

PACK = Path(__file__).parents[2]
BUNDLED = (PACK / "art2mus_core" / "pocket" / "model_index.json").is_file()
HEARD = "() => Object.values(app.nodeOutputs ?? {}).some((output) => output?.audio)"
PLAYERS = "() => [...document.querySelectorAll('audio')].map((player) => [player.readyState, player.duration])"


def workflow() -> dict:
    text = (PACK / "workflows" / "painting_to_music.json").read_text(encoding="utf-8")
    return json.loads(text if BUNDLED else text.replace('"pocket"', '"tiny"'))


@pytest.fixture(params=[False, True], ids=["classic", "nodes-2.0"])
def canvas(request, server, browser):
    """A page with the workflow on its canvas."""
    page = browser.new_page(viewport={"width": 1600, "height": 950})
    page.goto(server.address, timeout=180_000)
    page.wait_for_function("window.app?.graph && app.extensionManager", timeout=180_000)
    page.wait_for_timeout(2000)
    page.keyboard.press("Escape")
    page.evaluate("(on) => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)", request.param)
    page.evaluate("(graph) => app.loadGraphData(graph)", workflow())
    page.evaluate(
        "() => { app.canvas.ds.scale = 0.88; app.canvas.ds.offset = [50, 60]; app.canvas.setDirty(true, true) }"
    )
    yield page
    page.close()


def test_run_gives_a_player(canvas, tmp_path):
    """The sample is seen before it is played, and the whole piece can be played after Run."""
    canvas.wait_for_function(
        "() => app.graph.nodes.find((node) => node.type == 'Art2MusLoadArtwork').imgs?.[0]?.naturalWidth > 0"
        " || [...document.querySelectorAll('img')].some((img) => img.src.includes('Sample') && img.naturalWidth > 0)",
        timeout=90_000,
    )
    canvas.click("[data-testid=queue-button]")
    canvas.wait_for_function(HEARD, timeout=300_000)
    canvas.wait_for_function(f"() => ({PLAYERS})().some(([ready]) => ready > 0)", timeout=180_000)
    canvas.screenshot(path=str(tmp_path / "run.png"))
    assert [round(seconds, 1) for ready, seconds in canvas.evaluate(PLAYERS) if ready] == [10.0]


def test_no_node_is_red(canvas):
    assert canvas.evaluate("() => app.graph.nodes.filter((node) => node.has_errors).length") == 0
    kinds = canvas.evaluate("() => app.graph.nodes.map((node) => node.type)")
    assert sum(kind.startswith("Art2Mus") for kind in kinds) == 6
