"""What a running server sends of our failures: short names, no places on its disk, the whole in its log."""

from __future__ import annotations

import json
import re

import pytest
from PIL import Image

from .graphs import graph, in_one_node

pytestmark = pytest.mark.host


def failure(server, prompt: dict) -> dict:
    """What is sent of a run that fails."""
    entry = server.run(prompt)
    return next(body for kind, body in entry["status"]["messages"] if kind == "execution_error")


def damaged(server) -> dict:
    folder = server.base / "models" / "art2mus" / "broken one"
    (folder / "image_encoder").mkdir(parents=True, exist_ok=True)
    (folder / "model_index.json").write_text('{"_class_name": "AudioLDM2Pipeline"}')
    (folder / "image_encoder" / "config.json").write_text("{")
    return graph("broken one")


def cut(server) -> dict:
    (server.base / "input" / "cut short.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return graph("tiny", "cut short.png")


def covered(_) -> dict:
    white = {"class_type": "SolidMask", "inputs": {"value": 1.0, "width": 8, "height": 8}}
    return {**in_one_node(mask=["9", 0]), "9": white}


def foreign(_) -> dict:
    """A node of the host's that hands a picture's latent to our VAE."""
    prompt = graph("tiny")
    prompt["7"] = {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}}
    prompt["8"] = {"class_type": "VAEDecodeAudio", "inputs": {"samples": ["7", 0], "vae": ["2", 1]}}
    prompt["6"]["inputs"]["audio"] = ["8", 0]
    return prompt


def unknown_mark(_) -> dict:
    prompt = graph("tiny")
    prompt["6"]["inputs"]["name"] = "%Nobody.seed%"
    return prompt


def another_encoder(_) -> dict:
    prompt = graph("tiny")
    prompt["3"]["inputs"]["encoder"] = "eyes"
    return prompt


CASES = {
    "cut": (cut, "ArtworkError", "input/cut short.png is"),
    "damaged": (damaged, "CheckpointError", "models/art2mus/broken one has no"),
    "covered": (covered, "ArtworkError", "a mask that covers everything"),
    "foreign": (foreign, "SettingError", "Connect Empty Art2Mus Latent"),
    "mark": (unknown_mark, "OutputError", "a node of the graph"),
    "encoder": (another_encoder, "CheckpointError", "trained for the encoder"),
}


@pytest.mark.parametrize(("prompt", "kind", "said"), CASES.values(), ids=CASES)
def test_a_failure_has_a_short_name_and_no_place(server, prompt, kind, said):
    body = failure(server, prompt(server))
    assert body["exception_type"] == kind
    assert said in body["exception_message"]
    assert str(server.base) not in json.dumps(body)
    assert "art2mus_core" not in json.dumps(body["traceback"])
    assert not re.search(r"(?<![\w.])/\w", body["exception_message"])
    log = server.log.read_text()
    assert "art2mus_core" in log.rpartition("Exception during processing")[2]


def test_how_a_picture_had_to_be_read_is_told_and_kept(server):
    """In history, for whoever runs graphs without the page."""
    Image.new("RGB", (40, 30), "teal").save(server.base / "input" / "odd.png", icc_profile=b"nothing")
    (line,) = server.run(graph("tiny", "odd.png", seconds=1.0))["outputs"]["1"]["text"]
    assert line.startswith("odd.png: ")
    assert str(server.base) not in line


@pytest.mark.parametrize("artwork", ["gone.png", "/etc/passwd", "../../x.png", "a\0b.png", "n" * 400, ""])
def test_a_refusal_has_no_place_either(server, comfyui_module, artwork):
    with pytest.raises(comfyui_module.RefusedError) as refused:
        server.queue(graph("tiny", artwork))
    said = json.loads(str(refused.value))
    assert str(server.base) not in json.dumps(said)
    assert "traceback" not in json.dumps(said)
    (error,) = said["node_errors"]["1"]["errors"]
    assert error["type"] == "custom_validation_failed"
