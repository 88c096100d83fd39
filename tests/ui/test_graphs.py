"""Graphs on the canvas: shipped ones, and those that come back out of saved music."""

from __future__ import annotations

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


def test_the_sample_is_seen_before_it_is_played(canvas):
    canvas.load(small())
    canvas.page.wait_for_function(
        "() => app.graph.nodes.find((node) => node.type === 'Art2MusLoadArtwork').imgs?.[0]?.naturalWidth > 0"
        " || [...document.querySelectorAll('img')].some((img) => img.src.includes('Sample') && img.naturalWidth > 0)",
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
