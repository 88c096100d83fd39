"""What a person writes into Save Audio's name, and graphs that name samples as version 0.1 did."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest

from .canvas import BUNDLED, PACK, small

pytestmark = pytest.mark.ui

SAVED = """() => Object.values(app.nodeOutputs).flatMap((output) => output.audio ?? [])
  .filter((file) => file.type === "output").map((file) => [file.subfolder, file.filename]).at(-1)"""
RENAME = """([kind, property, title]) => {
  const node = app.graph.nodes.find((node) => node.type === kind);
  Object.assign(node, { title });
  node.properties["Node name for S&R"] = property;
}"""


def test_marks_in_a_name_are_filled(canvas):
    """By the node's type, by the name for marks that a person gave it, and by its title."""
    canvas.load(small(1.0))
    for kind, property_, title in (("Art2MusSampler", "mine", "My sampler"), ("Art2MusLoadModel", "loader", "Model")):
        canvas.page.evaluate(RENAME, [kind, property_, title])
    name = "ui/%date:yyyy%/%mine.seed%_%My sampler.steps%_%Art2MusImageAligner.strength%_%year%"
    canvas.set_widget("Art2MusSaveAudio", "name", name)
    canvas.run()
    folder, file = canvas.page.evaluate(SAVED)
    year = dt.datetime.now().astimezone().year
    assert folder in {f"ui/{year}", f"ui/{year - 1}"}
    assert re.fullmatch(r"7_2_1_20\d\d_\d+_\.flac", file)


def test_a_mark_that_there_is_not_is_told(canvas):
    canvas.load(small(1.0))
    canvas.set_widget("Art2MusSaveAudio", "name", "%Nobody.seed%")
    with pytest.raises(RuntimeError, match=r"the placeholder %Nobody\.seed% in a file name"):
        canvas.run()


def test_a_graph_of_version_0_1_finds_its_sample(canvas):
    text = (PACK / "tests" / "nodes" / "released" / "painting_to_music_0.1.json").read_text(encoding="utf-8")
    graph = json.loads(text if BUNDLED else text.replace('"pocket"', '"tiny"'))
    next(node for node in graph["nodes"] if node["type"] == "Art2MusSampler")["widgets_values"][:2] = [1.0, 2]
    canvas.load(graph)
    seen = (
        "() => app.graph.nodes.some((node) => node.imgs?.[0]?.naturalWidth > 50)"
        " || [...document.querySelectorAll('img')].some((img) => /sample/i.test(img.src) && img.naturalWidth > 50)"
    )
    canvas.page.wait_for_function(seen, timeout=15_000)
    canvas.page.wait_for_timeout(500)  # a page that misses a file says so after a moment
    assert canvas.page.get_by_text("missing").count() == 0
    name = "() => app.graph.nodes.find((node) => node.type === 'Art2MusLoadArtwork').widgets[0].value"
    assert canvas.page.evaluate(name) == "stars turning over the ridge (sample)"
    canvas.run()
    canvas.wait_for_players()


def test_a_graph_from_before_presets_keeps_its_steps_and_a_new_node_is_balanced(canvas):
    text = (PACK / "tests" / "nodes" / "released" / "painting_to_music.json").read_text(encoding="utf-8")
    canvas.load(json.loads(text if BUNDLED else text.replace('"pocket"', '"tiny"')))
    preset = "(node) => node.widgets.find((widget) => widget.name === 'preset').value"
    old = f"() => ({preset})(app.graph.nodes.find((node) => node.type === 'Art2MusSampler'))"
    assert canvas.page.evaluate(old) == "custom"
    assert canvas.page.evaluate(f"() => ({preset})(LiteGraph.createNode('Art2MusSampler'))") == "balanced"
