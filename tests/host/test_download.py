"""Download Art2Mus Model in a real ComfyUI, from a server on this machine."""

from __future__ import annotations

import json
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from .graphs import heard, in_one_node

pytestmark = pytest.mark.host

PACK = Path(__file__).resolve().parents[2]


class Slow(BaseHTTPRequestHandler):
    """Gives files of a folder, in parts if asked, and slowly while `pause` is not 0."""

    root: Path
    pause = 0.0
    asked: list[tuple[str, str | None]]

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, part = self.root / self.path.lstrip("/"), self.headers.get("Range")
        if self.command == "GET":
            self.asked.append((path.name, part))
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        start = int(part[6:-1]) if part else 0
        self.send_response(206 if part else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("ETag", '"one"')
        if part:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        for at in range(start, len(content) if self.command == "GET" else 0, 4096):
            self.wfile.write(content[at : at + 4096])
            time.sleep(self.pause)


@pytest.fixture(scope="module")
def source(talking_like, tmp_path_factory):
    """A checkpoint at an address on this machine."""
    handler = type("Source", (Slow,), {"root": talking_like, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.url = f"http://127.0.0.1:{server.server_address[1]}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield handler
        server.shutdown()


@pytest.fixture(scope="module")
def shop(comfyui_module, source, tmp_path_factory, monkeypatch_module):
    """A running ComfyUI whose table of checkpoints has one more row, `small`, at that address."""
    folder = tmp_path_factory.mktemp("shop")
    kept_out = shutil.ignore_patterns(".*", "tests", "docs", "benchmarks", "__pycache__")
    pack = shutil.copytree(PACK, folder / "art2mus", ignore=kept_out)
    table = pack / "art2mus_core" / "configs" / "cards.json"
    paths = sorted(path.relative_to(source.root).as_posix() for path in source.root.rglob("*") if path.is_file())
    paths.remove("model_index.json")
    row = {"name": "small", "kind": "prior", "purpose": "A test.", "licence": "CC BY-NC 4.0", "commercial": False}
    row |= {"citation": "Nobody 2024", "url": source.url, "then": "art2mus export-text small", "about_bytes": 123456}
    row["files"] = [{"path": path} for path in [*paths, "model_index.json"]]
    table.write_text(json.dumps([*json.loads(table.read_text()), row]))
    monkeypatch_module.setenv("ART2MUS_HOME", str(folder / "home"))
    with comfyui_module.ComfyUI(folder / "base", {}, ours=pack) as running:
        yield running


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def fetching(*, accepted: bool = True) -> dict:
    inputs = {"model": "small", "accept_licence": accepted}
    return {"1": {"class_type": "Art2MusDownloadModel", "inputs": inputs}}


def test_nothing_is_fetched_before_the_licence_is_accepted(shop, source, comfyui_module):
    with pytest.raises(comfyui_module.RefusedError) as refused:
        shop.queue(fetching(accepted=False))
    assert all(part in str(refused.value) for part in ("CC BY-NC 4.0", "no commercial use", "0.123 MB", source.url))
    assert not source.asked


def test_a_download_is_stopped_resumed_and_made_ready(shop, source):
    place = shop.base / "models" / "art2mus" / "small"
    source.pause = 0.5
    running = shop.queue(fetching())
    deadline = time.monotonic() + 60
    while not list(place.rglob("*.partial")) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)
    shop.post("/interrupt", {})
    entry = shop.wait(running, 30)
    assert any(kind == "execution_interrupted" for kind, _ in entry["status"]["messages"])
    assert list(place.rglob("*.partial"))
    source.pause = 0.0
    entry = shop.run(fetching())
    assert entry["status"]["status_str"] == "success", shop.error(entry)
    assert any(part for _, part in source.asked)
    assert not list(place.rglob("*.partial"))
    assert "Press R" in entry["outputs"]["1"]["text"][0]
    assert (place / "constants" / "model.safetensors").is_file()
    assert (place / "model_index.json").read_bytes() == (source.root / "model_index.json").read_bytes()
    assert (
        "small"
        in shop.get("/object_info/Art2MusLoadModel")["Art2MusLoadModel"]["input"]["required"]["model"][1]["options"]
    )


def test_the_model_can_be_played_at_once(shop):
    (path,) = shop.outputs(shop.run(in_one_node(model="small", steps=2)))
    assert torch.tensor(heard(path)[1]).abs().max() > 0.01


def test_a_name_that_was_fetched_goes_into_the_loaders(shop):
    prompt = in_one_node(model=["9", 0], steps=2)
    prompt["9"] = fetching()["1"]
    (path,) = shop.outputs(shop.run(prompt))
    assert max(map(abs, heard(path)[1])) > 0.01
    assert shop.get("/object_info/Art2MusDownloadModel")["Art2MusDownloadModel"]["output"] == ["COMBO"]


def test_a_model_that_is_here_is_not_asked_for_again(shop, source):
    before = len(source.asked)
    assert "is installed" in shop.run(fetching())["outputs"]["1"]["text"][0]
    assert shop.run(fetching(accepted=False))["status"]["status_str"] == "success"
    assert len(source.asked) == before


def test_without_a_connection_the_way_by_hand_is_told(shop, source):
    shutil.rmtree(shop.base / "models" / "art2mus" / "small" / "vae")
    hidden = source.root
    source.root = source.root / "nowhere"
    try:
        said = shop.error(shop.run(fetching()))
    finally:
        source.root = hidden
    assert "download the files yourself" in said
    assert source.url in said
    assert "into models/art2mus/small: " in said
    assert str(shop.base) not in said
