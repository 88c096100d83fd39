"""Runs the shipped workflows in a browser and makes their thumbnails, workflows/NAME.jpg. Not a test: run it by hand.

    python tests/ui/picture_workflows.py http://127.0.0.1:8188 [NAME...]

The template browser shows a thumbnail as a small square: above the paintings of the workflow, below the spectrograms of the
music that it made of them. The server is one with the pack in it and nothing else in its queue. Needs playwright, Pillow and
a Chromium on the path.
"""

from __future__ import annotations

import io
import sys
import urllib.parse
import urllib.request
from typing import Any

from canvas import PACK, Canvas, chromium, workflow
from PIL import Image, ImageDraw, ImageOps
from playwright.sync_api import sync_playwright

SIDE, ABOVE, GAP, HEAVIEST = 512, 304, 4, 60_000
"""Pixels of a thumbnail's side and of its paintings' height, between two parts, and bytes at most."""

PAPER, INK = "#141415", "#d9d4cb"
STAND_IN = "silver_forest"
"""Painting of the workflows that bring none."""

UNHEARD = {"9 Published AudioLDM 2": "9 GB to fetch"}
"""Workflows whose music can't be made here, and what their thumbnails say instead."""

READY = """(sample) => {
  const add = (kind) => { const node = LiteGraph.createNode(kind); app.graph.add(node); return node; };
  const of = (kind) => app.graph.nodes.find((node) => node.type === kind);
  if (of("VAEDecode")) {
    const artwork = add("Art2MusLoadArtwork"), composer = of("Art2MusArtworkToMusic");
    const widget = artwork.widgets.find(({ name }) => name === "artwork");
    widget.value = widget.options.values.find((name) => name.includes(sample.replaceAll("_", " ")));
    artwork.connect(0, composer, composer.inputs.findIndex(({ name }) => name === "image"));
    app.graph.nodes.filter(({ type }) => !type.startsWith("Art2Mus")).forEach((node) => app.graph.remove(node));
  }
  if (!of("Art2MusSaveAudio")) of("Art2MusArtworkToMusic").connect(0, add("Art2MusPreviewMusic"), 0);
}"""
"""Takes a sample for the picture of a checkpoint that isn't here, and lets us hear what goes into a video."""

PAINTINGS = """() => app.graph.nodes.filter((node) => node.type === "Art2MusLoadArtwork")
  .map((node) => node.widgets.find(({ name }) => name === "artwork").value)"""
MUSIC = """() => Object.values(app.nodeOutputs).flatMap((output) => output.art2mus ?? []).map((piece) => piece.spectrogram)"""


def fetch(address: str, query: dict[str, str]) -> Image.Image:
    with urllib.request.urlopen(f"{address}/view?{urllib.parse.urlencode(query)}") as answer:
        return Image.open(io.BytesIO(answer.read())).convert("RGB")


def samples() -> list[Image.Image]:
    return [Image.open(path).convert("RGB") for path in sorted((PACK / "art2mus_core" / "samples").glob("*.jpg"))]


def row(pictures: list[Image.Image], height: int, *, whole: bool) -> Image.Image:
    """Pictures beside each other, stretched where they are to be seen whole, else cut."""
    sheet, each = Image.new("RGB", (SIDE, height), PAPER), (SIDE - GAP * (len(pictures) - 1)) // len(pictures)
    for index, picture in enumerate(pictures):
        fitted = picture.resize((each, height)) if whole else ImageOps.fit(picture, (each, height))
        sheet.paste(fitted, (index * (each + GAP), 0))
    return sheet


def said(text: str, height: int) -> Image.Image:
    sheet = Image.new("RGB", (SIDE, height), PAPER)
    ImageDraw.Draw(sheet).text((SIDE / 2, height / 2), text, INK, anchor="mm", font_size=52)
    return sheet


def thumbnail(above: Image.Image, below: Image.Image) -> bytes:
    card = Image.new("RGB", (SIDE, SIDE), PAPER)
    card.paste(above, (0, 0))
    card.paste(below, (0, ABOVE + GAP))
    for quality in range(88, 40, -4):
        file = io.BytesIO()
        card.save(file, "JPEG", quality=quality, optimize=True, progressive=True)
        if file.tell() <= HEAVIEST:
            break
    return file.getvalue()


def pictured(canvas: Canvas, address: str, name: str) -> bytes:
    graph: dict[str, Any] = workflow(name)
    canvas.load(graph)
    if name not in UNHEARD:
        canvas.page.evaluate(READY, STAND_IN)
        canvas.run(600)
    shown = [fetch(address, {"filename": each, "type": "input"}) for each in canvas.page.evaluate(PAINTINGS)]
    height = SIDE - ABOVE - GAP
    if name in UNHEARD:
        return thumbnail(row(shown, ABOVE, whole=False), said(UNHEARD[name], height))
    music = [fetch(address, piece) for piece in canvas.page.evaluate(MUSIC)]
    return thumbnail(row(shown or samples()[: len(music)], ABOVE, whole=False), row(music, height, whole=True))


def main(address: str, names: list[str]) -> None:
    with sync_playwright() as running, chromium(running) as browser:
        canvas = Canvas(browser.new_page(), address, vue=False)
        for name in names:
            (PACK / "workflows" / f"{name}.jpg").write_bytes(pictured(canvas, address, name))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or sorted(path.stem for path in (PACK / "workflows").glob("*.json")))
