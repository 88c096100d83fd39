"""Runs every shipped workflow in a browser and takes its thumbnail, workflows/NAME.jpg. Not a test: run it by hand.

    python tests/ui/picture_workflows.py http://127.0.0.1:8188 [NAME...]

The server is one with the pack in it and nothing else in its queue. Needs playwright, Pillow and a Chromium on the path.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"
SIDE, HEAVIEST = (1280, 800), 80_000
"""Pixels of a thumbnail at most, and bytes."""

UNRUN = {"published_audioldm2", "image_generation_to_music"}
"""What needs weights that may not be here is pictured as it opens."""

FRAME = """() => {
  const boxes = app.graph._groups.map((group) => [...group.pos, ...group.size]);
  const left = Math.min(...boxes.map((box) => box[0])), top = Math.min(...boxes.map((box) => box[1]));
  const right = Math.max(...boxes.map((box) => box[0] + box[2])), low = Math.max(...boxes.map((box) => box[1] + box[3]));
  return [left - 20, top - 20, right + 20, low + 20];
}"""
LOOK = """([left, top, scale]) => {
  app.canvas.ds.scale = scale;
  app.canvas.ds.offset = [-left, -top];
  app.canvas.setDirty(true, true);
}"""
BARE = """() => {
  document.head.insertAdjacentHTML('beforeend', `<style>
    body * { visibility: hidden }
    #graph-canvas, #graph-canvas-container > .isolate, #graph-canvas-container > .isolate * { visibility: visible }
  </style>`);
  app.canvas.show_info = false;
}"""
SETTINGS = {"Comfy.VueNodes.Enabled": False, "Comfy.NodeBadge.NodeSourceBadgeMode": "None"}


def open_workflow(page: Page, address: str, name: str) -> None:
    page.goto(address, timeout=180_000)
    page.wait_for_function("window.app?.graph && app.extensionManager", timeout=180_000)
    page.wait_for_timeout(2500)
    page.keyboard.press("Escape")
    for name_value in SETTINGS.items():
        page.evaluate("([name, value]) => app.extensionManager.setting.set(name, value)", name_value)
    graph = json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))
    page.evaluate("(graph) => app.loadGraphData(graph)", graph)
    page.wait_for_timeout(2500)


def wait_until_idle(address: str) -> None:
    busy = True
    while busy:
        time.sleep(1)
        with urllib.request.urlopen(f"{address}/queue") as answer:
            busy = any(json.load(answer).values())


def photograph(page: Page) -> Image.Image:
    """The groups of the graph, without the program around them."""
    left, top, right, low = page.evaluate(FRAME)
    page.evaluate(BARE)
    scale = 1700 / (right - left)
    page.set_viewport_size({"width": 1700, "height": round((low - top) * scale)})
    page.evaluate(LOOK, [left, top, scale])
    page.wait_for_timeout(2500)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def jpeg(picture: Image.Image) -> bytes:
    picture.thumbnail(SIDE)
    for quality in range(88, 40, -4):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, optimize=True, progressive=True)
        if file.tell() <= HEAVIEST:
            break
    return file.getvalue()


def main(address: str, names: list[str]) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in names:
            page = browser.new_page(viewport={"width": 1700, "height": 950})
            open_workflow(page, address, name)
            if name not in UNRUN:
                page.click("[data-testid=queue-button]")
                page.wait_for_timeout(3000)
                wait_until_idle(address)
                page.wait_for_timeout(3000)
            (WORKFLOWS / f"{name}.jpg").write_bytes(jpeg(photograph(page)))
            page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or sorted(path.stem for path in WORKFLOWS.glob("*.json")))
