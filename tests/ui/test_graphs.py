"""Graphs on the canvas: shipped ones, and those that come back out of saved music."""

from __future__ import annotations

import itertools
import re
import urllib.parse
import urllib.request

import pytest

from .canvas import PACK, small, workflow

pytestmark = pytest.mark.ui

WORKFLOWS = sorted(path.stem for path in (PACK / "workflows").glob("*.json"))

LONG = 16
"""Steps that take a few seconds: of pictures only one in 0.3 s is sent."""

WATCH = """() => {
  window.pictures = new Set();
  window.told = [];
  window.endings = [];
  window.comfyAPI.api.api.addEventListener("progress_text", ({ detail }) => window.told.push(detail.text));
  const sampler = app.graph.nodes.find((node) => node.type === "Art2MusSampler");
  const pen = new OffscreenCanvas(64, 16).getContext("2d", { willReadFrequently: true });
  const look = () => {
    const seen = document.querySelector(`[data-node-id="${sampler.id}"] img`) ?? sampler.imgs?.[0];
    if (seen?.complete && seen.naturalWidth > 100) {
      pen.drawImage(seen, 0, 0, 64, 16);
      window.pictures.add(String(pen.getImageData(0, 0, 64, 16).data));
    }
    if (!window.endings.length) requestAnimationFrame(look);
  };
  look();
}"""


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_node_of_a_shipped_graph_is_unknown_or_red(canvas, name):
    graph = workflow(name)
    canvas.load(graph)
    red = "() => app.graph.nodes.filter((node) => node.has_errors).map((node) => node.type)"
    assert [kind for kind in canvas.page.evaluate(red) if kind.startswith("Art2Mus")] == []
    unknown = (
        "() => app.graph.nodes.filter((node) => !node.constructor.nodeData && !node.subgraph).map((node) => node.type)"
    )
    assert set(canvas.page.evaluate(unknown)) <= {"MarkdownNote", "Note", "Reroute", "PrimitiveNode"}
    assert len(canvas.nodes()) == len(graph["nodes"])


BOXES = """() => app.graph.nodes.map((node) => {
  const element = LiteGraph.vueNodesMode && document.querySelector(`[data-node-id="${node.id}"]`);
  if (!element) return [node.title, ...node.getBounding()];
  const { scale, offset } = app.canvas.ds, edge = app.canvas.canvas.getBoundingClientRect();
  const { left, top, width, height } = element.getBoundingClientRect();
  return [node.title, (left - edge.left) / scale - offset[0], (top - edge.top) / scale - offset[1],
    width / scale, height / scale];
})"""
"""Title, left, top, width and height of every node as it is seen, in the canvas's own pixels."""


def near(canvas, air: float = 30) -> list[tuple[str, str, int]]:
    """Nodes that are nearer to each other than `air`, and how near."""
    found = []
    for (one, left, top, width, height), (other, x, y, w, h) in itertools.combinations(canvas.page.evaluate(BOXES), 2):
        apart = max(x - left - width, left - x - w, y - top - height, top - y - h)
        if apart < air - 0.5:
            found.append((one, other, round(apart)))
    return found


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_two_nodes_of_a_shipped_graph_touch(canvas, name):
    canvas.load(workflow(name), 0.3, (100, 200))
    canvas.page.wait_for_timeout(1000)  # until pictures and widgets have their sizes
    assert len(canvas.page.evaluate(BOXES)) == len(workflow(name)["nodes"])
    assert near(canvas) == []


def test_nodes_touch_no_other_after_a_run(canvas):
    """The sampler's picture and the player make them grow."""
    canvas.load(small(), 0.5, (100, 200))
    canvas.run()
    canvas.wait_for_players()
    canvas.page.wait_for_timeout(1000)
    assert near(canvas) == []


def test_the_template_browser_shows_titles_and_pictures_in_order(canvas):
    """As a person reads its cards."""
    page = canvas.page
    page.evaluate("app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    page.locator("[role=dialog] nav, [role=dialog]").get_by_text("art2mus", exact=True).first.click(timeout=30_000)
    cards = page.locator("[data-testid^=template-workflow-]")
    page.wait_for_function(
        "(count) => document.querySelectorAll('[data-testid^=template-workflow-]').length === count", arg=len(WORKFLOWS)
    )
    assert [card.locator("h3").inner_text() for card in cards.all()] == WORKFLOWS
    page.wait_for_function("""() => [...document.querySelectorAll("[data-testid^=template-workflow-] img")]
      .filter((picture) => picture.naturalWidth === 512).length >= 6""")
    cards.first.click()
    page.wait_for_function("() => app.graph.nodes.some((node) => node.type === 'Art2MusSampler')", timeout=15_000)


def test_the_sample_is_seen_before_it_is_played(canvas):
    canvas.load(small())
    canvas.page.wait_for_function(
        "() => app.graph.nodes.find((node) => node.type === 'Art2MusLoadArtwork').imgs?.[0]?.naturalWidth > 0"
        " || [...document.querySelectorAll('img')].some((img) => img.src.includes('sample') && img.naturalWidth > 0)",
        timeout=30_000,
    )


@pytest.mark.parametrize("format", ["FLAC", "MP3", "Opus"])
def test_music_dropped_on_the_canvas_brings_its_graph_back(canvas, format, tmp_path):  # noqa: A002
    canvas.load(small())
    canvas.set_widget("Art2MusSaveAudio", "format", format)
    canvas.set_widget("Art2MusSaveAudio", "name", "art2mus/Bäume 树")
    canvas.run()
    canvas.wait_for_players()
    address, before = canvas.sound()["src"], canvas.nodes()
    name = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)["filename"][0]
    with urllib.request.urlopen(address, timeout=30) as answer:
        (tmp_path / name).write_bytes(answer.read())
    canvas.load({"nodes": [], "links": [], "version": 0.4})
    assert canvas.nodes() == []
    canvas.drop(tmp_path / name)
    canvas.page.wait_for_function("(count) => app.graph.nodes.length === count", arg=len(before), timeout=15_000)
    assert canvas.nodes() == before


def test_the_growing_picture_and_the_time_left_are_seen_while_the_sampler_works(canvas):
    """With the host's settings as they come."""
    canvas.load(small(seconds=12.0, steps=LONG))
    canvas.set_widget("Art2MusSampler", "seed", 11 + canvas.vue)  # not what the server still has
    canvas.page.evaluate(WATCH)
    canvas.run()
    canvas.wait_for_players()
    pictures, told = canvas.page.evaluate("() => [window.pictures.size, window.told]")
    assert pictures >= 3
    assert told[0].startswith(f"1 of {LONG}")
    assert re.fullmatch(rf"{LONG - 1} of {LONG}, \d+ s left", told[-2])
    assert re.fullmatch(rf"{LONG} of {LONG} in \d+ s", told[-1])
