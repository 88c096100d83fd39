"""A real ComfyUI server with the pack in it, driven over HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

PACK = Path(__file__).resolve().parents[2]
START = Path(__file__).with_name("start_host.py")
PYTHON = os.environ.get("COMFYUI_PYTHON", sys.executable)
ASLEEP = {2, 4}
"""Modes of muted and bypassed nodes."""


ABSENT = not (Path(os.environ.get("COMFYUI_HOME", "nowhere")) / "main.py").is_file()


class RefusedError(Exception):
    """The server's answer to a prompt it does not take."""


class ComfyUI:
    """One server process with a base folder of its own.

    Args:
        base: the folder.
        models: checkpoints by the name they get below `models/art2mus`.
        options: of ComfyUI's command line, beside those of every test.
        packs: custom nodes beside ours, by name.
        ours: the folder of the pack itself.
    """

    def __init__(
        self,
        base: Path,
        models: dict[str, Path],
        options: tuple[str, ...] = (),
        packs: dict[str, Path] | None = None,
        ours: Path = PACK,
    ) -> None:
        self.base = base
        for name, folder in models.items():
            (base / "models" / "art2mus").mkdir(parents=True, exist_ok=True)
            (base / "models" / "art2mus" / name).symlink_to(folder, target_is_directory=True)
        (base / "custom_nodes").mkdir(parents=True, exist_ok=True)
        for name, folder in {"art2mus": ours, **(packs or {})}.items():
            (base / "custom_nodes" / name).symlink_to(folder, target_is_directory=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = base / "log.txt"
        command = [PYTHON, str(START), "--cpu", "--listen", "127.0.0.1", "--port", str(self.port)]
        command += ["--disable-api-nodes", "--base-directory", str(base), "--database-url", "sqlite:///:memory:"]
        command += options
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)

    def __enter__(self) -> Self:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.get("/system_stats")
            except OSError:
                time.sleep(0.5)
            else:
                return self
        raise AssertionError(f"ComfyUI did not start:\n{self.log.read_text()[-4000:]}")

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def get(self, path: str) -> object:
        with urllib.request.urlopen(self.address + path, timeout=30) as answer:
            return json.load(answer)

    def post(self, path: str, body: object) -> object:
        request = urllib.request.Request(
            self.address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise RefusedError(error.read().decode()) from None
        return json.loads(text) if text else None

    def queue(self, prompt: dict) -> str:
        return self.post("/prompt", {"prompt": prompt})["prompt_id"]

    def wait(self, prompt_id: str, seconds: float = 300) -> dict:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            entry = self.get(f"/history/{prompt_id}").get(prompt_id)
            if entry and entry["status"]["completed"] is not None and entry["status"]["status_str"]:
                return entry
            time.sleep(0.2)
        raise AssertionError(f"prompt did not end:\n{self.log.read_text()[-4000:]}")

    def run(self, prompt: dict) -> dict:
        """The history entry of a prompt run to its end."""
        return self.wait(self.queue(prompt))

    def outputs(self, entry: dict, kind: str = "audio") -> list[Path]:
        """Files of one kind that a run wrote."""
        assert entry["status"]["status_str"] == "success", self.error(entry)
        items = [item for output in entry["outputs"].values() for item in output.get(kind, [])]
        return [self.base / item["type"] / item["subfolder"] / item["filename"] for item in items]

    @staticmethod
    def error(entry: dict) -> str:
        """What the person reads when a run fails."""
        messages = [body for kind, body in entry["status"]["messages"] if kind == "execution_error"]
        return messages[0]["exception_message"] if messages else ""

    def as_prompt(self, workflow: dict) -> dict:
        """A workflow as the canvas saves it, as the server takes it; notes and bypassed nodes are left out."""
        info = self.get("/object_info")
        links = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
        return {
            str(node["id"]): {"class_type": node["type"], "inputs": _inputs(node, info[node["type"]], links)}
            for node in workflow["nodes"]
            if node["type"] in info and node.get("mode", 0) not in ASLEEP
        }


def _inputs(node: dict, schema: dict, links: dict[int, list]) -> dict:
    """Values of a node's widgets, and where its links come from; a linked widget keeps its place among the values."""
    declared = schema["input"].get("required", {}) | schema["input"].get("optional", {})
    inputs, values = {}, list(node.get("widgets_values") or [])
    for slot in node["inputs"]:
        name = slot["name"]
        if "widget" in slot and values:
            inputs[name] = values.pop(0)
            if option(declared, name, "control_after_generate"):
                values.pop(0)
        if slot.get("link") is not None:
            inputs[name] = links[slot["link"]]
    return {name: value for name, value in inputs.items() if name.split(".")[0] in declared}


def option(declared: dict, name: str, key: str) -> object:
    """What a schema says of an input beside its type."""
    kind = declared.get(name, [None])
    return len(kind) > 1 and kind[1].get(key)
