"""The subgraph blueprint, taken out of the node search as a person does it."""

from __future__ import annotations

import pytest

from .canvas import BUNDLED, PACK

pytestmark = pytest.mark.ui

(NAME,) = (path.stem for path in (PACK / "subgraphs").glob("*.json"))
INSIDE = {"Art2MusLoadModel", "Art2MusVisualConditioningExtractor", "Art2MusImageAligner", "Art2MusSampler"}
ARTWORK = """() => {
  const artwork = LiteGraph.createNode("Art2MusLoadArtwork"), save = LiteGraph.createNode("Art2MusSaveAudio");
  [artwork, save].forEach((node, index) => { app.graph.add(node); node.pos = [-400 + 1200 * index, 0] });
  const steps = app.graph.nodes.find((node) => node.subgraph);
  const input = steps.inputs.findIndex((slot) => slot.name === "image");
  return Boolean(artwork.connect(0, steps, input) && steps.connect(0, save, 0));
}"""
SHORT = """(values) => {
  const steps = app.graph.nodes.find((node) => node.subgraph);
  for (const [name, value] of Object.entries(values)) steps.widgets.find((widget) => widget.name === name).value = value;
}"""


def test_the_blueprint_is_found_put_on_the_canvas_and_plays(canvas):
    canvas.load({"nodes": [], "links": [], "version": 0.4})
    canvas.page.evaluate("app.extensionManager.command.execute('Workspace.SearchBox.Toggle')")
    canvas.page.locator("input[role=combobox]:focus").wait_for()
    canvas.page.keyboard.type(NAME)
    canvas.page.locator("[data-testid=result-item][aria-selected=true]", has_text=NAME).wait_for()
    canvas.page.keyboard.press("Enter")
    canvas.page.wait_for_timeout(500)
    canvas.page.mouse.click(800, 460)
    canvas.page.wait_for_function("() => app.graph.nodes.some((node) => node.subgraph)", timeout=10_000)
    inside = "() => app.graph.nodes.find((node) => node.subgraph).subgraph.nodes.map((node) => node.type)"
    assert set(canvas.page.evaluate(inside)) == INSIDE
    assert canvas.page.evaluate(ARTWORK)
    model = {} if BUNDLED else {"model": "tiny", "encoder": "tiny"}
    canvas.page.evaluate(SHORT, {"seconds": 2.0, "steps": 2, **model})
    canvas.run()
    canvas.wait_for_players()
    assert canvas.sound()["duration"] == pytest.approx(2.0, abs=0.1)
