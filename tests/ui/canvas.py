"""ComfyUI's page in a real browser: what a person does on the canvas, and what they see."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["BUNDLED", "PACK", "RENDERERS", "Canvas", "chromium", "small", "workflow"]

PACK = Path(__file__).parents[2]
BUNDLED = (PACK / "art2mus_core" / "pocket" / "model_index.json").is_file()
RENDERERS = {"classic": False, "nodes-2.0": True}
"""The front end's two, and the value of the setting that chooses."""

ENDINGS = """() => {
  window.endings = [];
  const api = window.comfyAPI.api.api;
  api.addEventListener("execution_success", () => window.endings.push(""));
  api.addEventListener("execution_error", ({ detail }) => window.endings.push(detail.exception_message));
}"""
TYPES = {".flac": "audio/flac", ".mp3": "audio/mpeg", ".opus": "audio/ogg"}
"""As Chromium names them when a file comes from the desktop."""

DROP = """([name, type, bytes]) => {
  const file = new File([Uint8Array.from(atob(bytes), (sign) => sign.charCodeAt(0))], name, { type });
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(file);
  const drop = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true, clientX: 500, clientY: 800 });
  document.querySelector("#graph-canvas").dispatchEvent(drop);
}"""


def workflow(name: str = "1 Painting to music") -> dict[str, Any]:
    """A shipped graph as the canvas saves it."""
    text = (PACK / "workflows" / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text if BUNDLED else text.replace('"pocket"', '"tiny"'))


def small(seconds: float = 3.0, steps: int = 2) -> dict[str, Any]:
    """The main graph with little to compute, the same music in every run."""
    graph = workflow()
    sampler = next(node for node in graph["nodes"] if node["type"] == "Art2MusSampler")
    sampler["widgets_values"][:2] = [seconds, steps]
    sampler["widgets_values"][4:6] = [7, "fixed"]
    sampler["widgets_values"][-1] = "custom"  # the preset
    return graph


@contextmanager
def chromium(playwright: Any) -> Iterator[Any]:
    """A browser without a window, of whatever name the system gives it."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        raise FileNotFoundError("There is no Chromium on the path.")
    browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
    try:
        yield browser
    finally:
        browser.close()


class Canvas:
    """One page. Everything that its console complains of is kept in `complaints`."""

    def __init__(self, page: Any, address: str, *, vue: bool) -> None:
        self.page, self.vue, self.complaints = page, vue, []
        page.on(
            "console", lambda line: self.complaints.append(line.text) if line.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught {error.stack}"))
        page.request.post(
            f"{address}/api/settings", data={"Comfy.TutorialCompleted": True, "Comfy.Minimap.Visible": False}
        )
        page.goto(address, timeout=60_000)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """After opening or reloading."""
        self.page.wait_for_function("window.app?.graph && app.extensionManager && app.vueAppReady", timeout=60_000)
        self.set("Comfy.VueNodes.Enabled", self.vue)
        self.page.evaluate(ENDINGS)

    def set(self, setting: str, value: object) -> None:
        self.page.evaluate("([name, value]) => app.extensionManager.setting.set(name, value)", [setting, value])

    def load(self, graph: dict[str, Any], scale: float = 0.75, offset: tuple[float, float] = (60, 90)) -> None:
        """Puts a graph on the canvas, in a workflow tab of its own."""
        self.page.evaluate("(graph) => app.loadGraphData(graph)", graph)
        self.look(scale, offset)

    def look(self, scale: float = 0.75, offset: tuple[float, float] = (60, 90)) -> None:
        moves = (
            "([scale, offset]) => { Object.assign(app.canvas.ds, { scale, offset }); app.canvas.setDirty(true, true) }"
        )
        self.page.evaluate(moves, [scale, list(offset)])
        self.page.wait_for_timeout(300)

    def run(self, seconds: float = 120) -> None:
        """Presses Run and waits for the end.

        Raises:
            RuntimeError: with the words that the person reads.
        """
        before = self.page.evaluate("window.endings.length")
        self.page.click("[data-testid=queue-button]")
        self.page.wait_for_function("(before) => window.endings.length > before", arg=before, timeout=1000 * seconds)
        if message := self.page.evaluate("window.endings.at(-1)"):
            raise RuntimeError(message)

    def wait_for_players(self, count: int = 1) -> None:
        """Until so many pieces can be played and their pictures are seen."""
        ready = """(count) => {
          const seen = [...document.querySelectorAll(".art2mus-player")].filter((player) => player.checkVisibility() &&
            player.querySelector("audio").readyState > 0 && player.querySelector("img").naturalWidth > 0);
          return seen.length === count;
        }"""
        self.page.wait_for_function(ready, arg=count, timeout=30_000)

    def sound(self, index: int = 0) -> dict[str, Any]:
        """State of the audio element of a player that is seen."""
        state = """(index) => {
          const players = [...document.querySelectorAll(".art2mus-player")].filter((player) => player.checkVisibility());
          const audio = players[index].querySelector("audio");
          const { currentTime, duration, paused, src } = audio;
          return { currentTime, duration, paused, src };
        }"""
        return self.page.evaluate(state, index)

    def back(self) -> None:
        """To the workflow tab before this one."""
        self.page.locator(".workflow-tab").nth(-2).click()
        self.page.mouse.move(800, 800)  # off the tab, which shows a picture of its graph

    def set_widget(self, kind: str, name: str, value: object) -> None:
        chooses = """([kind, name, value]) => {
          const node = app.graph.nodes.find((node) => node.type === kind);
          node.widgets.find((widget) => widget.name === name).value = value;
        }"""
        self.page.evaluate(chooses, [kind, name, value])

    def nodes(self) -> list[Any]:
        """Type and widget values of every node, as the canvas would save them."""
        saved = self.page.evaluate("() => app.graph.serialize().nodes")
        return sorted(([node["type"], node.get("widgets_values")] for node in saved), key=json.dumps)

    def drop(self, file: Path) -> None:
        """A file let fall on the canvas."""
        content = base64.b64encode(file.read_bytes()).decode()
        self.page.evaluate(DROP, [file.name, TYPES[file.suffix], content])
