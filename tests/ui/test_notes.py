"""A node shows the messages of its last run, and none after a run without messages."""

from __future__ import annotations

import pytest
from PIL import Image

from .canvas import small, workflow

pytestmark = pytest.mark.ui

NOTES = """() => [...document.querySelectorAll(".art2mus-notes")].filter((each) => each.checkVisibility())
  .map((each) => each.textContent)"""
PICTURE = """() => app.graph.nodes.find((node) => node.type === "Art2MusLoadArtwork").imgs?.[0]?.naturalWidth > 0
  || [...document.querySelectorAll("img")].some((img) => img.src.includes("odd.png") && img.naturalWidth > 0)"""


def test_notes_on_a_picture_file_are_shown_on_its_node(canvas, server):
    page = canvas.page
    Image.new("RGB", (40, 30), "teal").save(server.base / "input" / "odd.png", icc_profile=b"nothing")
    Image.new("RGB", (40, 30), "teal").save(server.base / "input" / "plain.png")
    canvas.load(small())
    canvas.set_widget("Art2MusLoadArtwork", "artwork", "odd.png")
    saved = canvas.nodes()
    for _ in range(2):  # the second time from the host's cache
        canvas.run()
        page.wait_for_function(f"() => ({NOTES})().length === 1", timeout=30_000)
        page.wait_for_timeout(500)  # progress texts would have disappeared by now
        (said,) = page.evaluate(NOTES)
        assert said.startswith("odd.png: ")
        assert "profile" in said
        page.wait_for_function(PICTURE, timeout=10_000)
    assert canvas.nodes() == saved
    canvas.set_widget("Art2MusLoadArtwork", "artwork", "plain.png")
    canvas.run()
    page.wait_for_function(f"() => ({NOTES})().length === 0", timeout=30_000)


def test_notes_of_a_node_that_expands_are_shown_on_it(canvas):
    graph = workflow("7 Painting and comment to music")
    generator = next(node for node in graph["nodes"] if node["type"] == "Art2MusArt2Music")
    comment, balance, model, _, seed, _ = generator["widgets_values"]
    generator["widgets_values"] = ["Ήρεμη θάλασσα", balance, model, 1.0, seed, "fixed"]
    canvas.load(graph)
    for _ in range(2):  # the second time from the host's cache
        canvas.run()
        canvas.page.wait_for_function(f"() => ({NOTES})().length === 1", timeout=30_000)
        canvas.page.wait_for_timeout(500)
        (said,) = canvas.page.evaluate(NOTES)
        assert said.startswith("none of the comment's words is known")
    canvas.set_widget("Art2MusArt2Music", "comment", comment)
    canvas.run()
    canvas.page.wait_for_function(f"() => ({NOTES})().length === 0", timeout=30_000)
