"""Takes the pictures of the help pages (web/docs/NODE.webp) and of README (docs/figures). Not a test: run it by hand.

    python tests/ui/picture_nodes.py http://127.0.0.1:8188 [NODE...] [comfyui] [player]

Without names it takes all. The server is one with the pack and the bundled model in it and nothing else in its queue.
Needs playwright, Pillow and a Chromium on the path.
"""

from __future__ import annotations

import io
import json
import sys
import urllib.request
import uuid
from typing import Any

from canvas import PACK, Canvas, chromium, workflow
from PIL import Image
from playwright.sync_api import sync_playwright

WIDTH, HEAVIEST = 500, 20_000
"""Pixels across the picture of a node, and bytes at most."""

ALONE = """([kind, output, size]) => {
  const node = LiteGraph.createNode(kind);
  app.graph.add(node);
  node.pos = [0, 0];
  node.setSize(size);
  if (output) node.onExecuted(output);
}"""
BARE = """
  html, body { background: transparent }
  body :not(.lg-node, .lg-node *) { visibility: hidden; background-color: transparent }
  .lg-node { visibility: visible }
"""
FRAME = """() => {
  const { x, y, width, height } = document.querySelector(".lg-node").getBoundingClientRect();
  return { x: x - 12, y: y - 10, width: width + 24, height: height + 28 };
}"""
GROUPS = """() => {
  const boxes = app.graph.groups.map(({ pos, size }) => [...pos, ...size]);
  return [Math.min(...boxes.map(([x]) => x)), Math.min(...boxes.map(([, y]) => y)),
    Math.max(...boxes.map(([x, , width]) => x + width))];
}"""


def light(picture: Image.Image, kind: str, heaviest: int) -> bytes:
    """The best quality that keeps to the weight."""
    for quality in range(90, 20, -5):
        file = io.BytesIO()
        picture.save(file, kind, quality=quality, method=6)
        if file.tell() <= heaviest:
            return file.getvalue()
    raise ValueError(f"{heaviest} bytes are too few for {picture.size}")


def alone(canvas: Canvas, kind: str, output: dict[str, Any] | None, size: tuple[int, int]) -> None:
    canvas.load({"id": str(uuid.uuid4()), "nodes": [], "links": [], "version": 0.4})
    canvas.page.evaluate(ALONE, [kind, output, list(size)])
    canvas.look(1, (500, 150))
    canvas.page.wait_for_timeout(1500)


def cut_out(canvas: Canvas) -> Image.Image:
    """The node on nothing, so that it fits light and dark pages."""
    style = canvas.page.add_style_tag(content=BARE)
    shot = canvas.page.screenshot(clip=canvas.page.evaluate(FRAME), omit_background=True)
    style.evaluate("(element) => element.remove()")
    return Image.open(io.BytesIO(shot))


def picture_node(canvas: Canvas, kind: str, output: dict[str, Any] | None) -> bytes:
    """A node by itself, with its player where it has one."""
    alone(canvas, kind, output, (320, 60))  # as high as what is in it
    picture = cut_out(canvas)
    return light(picture.resize((WIDTH, round(picture.height * WIDTH / picture.width))), "WEBP", HEAVIEST)


def picture_page(canvas: Canvas) -> bytes:
    """The main graph after Run, with the program around it."""
    left, top, right = canvas.page.evaluate(GROUPS)
    scale = (1600 - 90) / (right - left)
    canvas.page.evaluate("app.canvas.show_info = false")
    canvas.look(scale, (74 / scale - left, 100 / scale - top))
    canvas.page.wait_for_timeout(5000)  # until the host's message of the end has gone
    picture = Image.open(io.BytesIO(canvas.page.screenshot())).convert("RGB")
    picture.thumbnail((1600, 1600))
    return light(picture, "JPEG", 200_000)


def picture_player(canvas: Canvas, output: dict[str, Any]) -> bytes:
    """The player close up, in the middle of a piece, as the keyboard reaches it."""
    alone(canvas, "Art2MusPreviewMusic", output, (480, 310))
    canvas.page.focus(".art2mus-spectrogram")
    for _ in range(4):
        canvas.page.keyboard.press("ArrowRight")
    picture = cut_out(canvas)
    paper = Image.new("RGB", picture.size, "#141415")
    paper.paste(picture, mask=picture.getchannel("A"))
    return light(paper, "JPEG", 120_000)


def main(address: str, wanted: set[str]) -> None:
    with urllib.request.urlopen(f"{address}/object_info") as answer:
        kinds = [kind for kind in json.load(answer) if (PACK / "web" / "docs" / f"{kind}.md").is_file()]
    figures = PACK / "docs" / "figures"
    with sync_playwright() as running, chromium(running) as browser:
        page = browser.new_page(viewport={"width": 1600, "height": 800}, device_scale_factor=2)
        canvas = Canvas(page, address, vue=True)
        canvas.set("Comfy.NodeBadge.NodeSourceBadgeMode", "None")
        canvas.set("Comfy.RightSidePanel.IsOpen", False)
        canvas.load(workflow())
        canvas.run()
        canvas.wait_for_players()
        heard = next(output for output in page.evaluate("() => Object.values(app.nodeOutputs)") if "art2mus" in output)
        if not wanted or "comfyui" in wanted:
            (figures / "comfyui.jpg").write_bytes(picture_page(canvas))
        if not wanted or "player" in wanted:
            (figures / "player.jpg").write_bytes(picture_player(canvas, heard))
        for kind in kinds:
            if not wanted or kind in wanted:
                output = heard if kind in ("Art2MusSaveAudio", "Art2MusPreviewMusic") else None
                (PACK / "web" / "docs" / f"{kind}.webp").write_bytes(picture_node(canvas, kind, output))


if __name__ == "__main__":
    main(sys.argv[1], set(sys.argv[2:]))
