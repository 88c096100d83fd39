"""The host's mask editor on Load Artwork."""

from __future__ import annotations

import pytest
from PIL import Image

from .canvas import small

pytestmark = pytest.mark.ui

ARTWORK = """() => {
  const node = app.graph.nodes.find((node) => node.type === "Art2MusLoadArtwork");
  return node.widgets.find((widget) => widget.name === "artwork").value;
}"""

DRAWN = """() => {
  const layers = [...document.querySelectorAll("[role=dialog] canvas")];
  return layers.length > 0 && layers.every(({ width }) => width === 768);
}"""
"""Whether the editor has the picture; before, its layers are as wide as any canvas."""


def test_what_the_mask_editor_saved_is_what_is_read(canvas, server):
    """Painted over from end to end, so that the piece is another one than the sample's."""
    page = canvas.page
    canvas.load(small())
    seen = "() => app.graph.nodes.find((node) => node.type === 'Art2MusLoadArtwork').imgs?.[0]?.naturalWidth > 0"
    if canvas.vue:
        seen = (
            "() => [...document.querySelectorAll('img')].some((img) => img.src.includes('sample') && img.naturalWidth)"
        )
    page.wait_for_function(seen, timeout=30_000)
    page.evaluate("() => app.canvas.selectNode(app.graph.nodes.find((node) => node.type === 'Art2MusLoadArtwork'))")
    page.evaluate("() => app.extensionManager.command.execute('Comfy.MaskEditor.OpenMaskEditor')")
    page.wait_for_function(DRAWN, timeout=30_000)
    buttons = page.locator("[role=dialog] button")
    for name in ("Invert", "Save"):
        buttons.filter(has_text=name).click(timeout=30_000)
    page.wait_for_function(f"() => ({ARTWORK})().startsWith('clipspace-')", timeout=30_000)
    chosen = page.evaluate(ARTWORK)
    assert chosen.endswith(" [input]")
    with Image.open(server.base / "input" / chosen.removesuffix(" [input]")) as picture:
        assert picture.getchannel("A").getextrema() == (0, 0)
    canvas.run()
    canvas.wait_for_players()


def test_a_saved_picture_in_a_folder_is_named_with_it(canvas, server):
    """As the host writes it, and as Load Artwork reads it."""
    folder = server.base / "input" / "clipspace"
    folder.mkdir(exist_ok=True)
    Image.new("RGBA", (40, 30), "navy").save(folder / "clipspace-mask-1.png")
    canvas.load(small())
    canvas.page.evaluate("""() => {
      const node = app.graph.nodes.find((node) => node.type === "Art2MusLoadArtwork");
      node.images = [{ filename: "clipspace-mask-1.png", subfolder: "clipspace", type: "input" }];
    }""")
    assert canvas.page.evaluate(ARTWORK) == "clipspace/clipspace-mask-1.png [input]"
    canvas.run()
    canvas.wait_for_players()
