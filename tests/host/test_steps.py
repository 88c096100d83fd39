"""What a person sees, and can do, while a sampler works."""

from __future__ import annotations

import io
import time

import pytest
from PIL import Image

from .graphs import graph
from .listener import Listener
from .running import run

pytestmark = pytest.mark.host

SAMPLER = "5"
"""Its node in the graph."""
HEADER = 8
"""Bytes before a picture: that it is one, and its format."""


def core_sampler(steps: int) -> dict:
    """The host's KSampler in the place of ours."""
    prompt = graph("tiny")
    empty = {"model": ["2", 0], "seconds": 5.0, "batch_size": 1}
    sides = {"model": ["2", 0], "positive": ["4", 0], "negative": ["4", 1], "latent_image": ["7", 0]}
    chosen = {"seed": 8, "steps": steps, "cfg": 2.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}
    prompt["7"] = {"class_type": "Art2MusEmptyLatent", "inputs": empty}
    prompt[SAMPLER] = {"class_type": "KSampler", "inputs": sides | chosen}
    prompt["8"] = {"class_type": "VAEDecodeAudio", "inputs": {"samples": [SAMPLER, 0], "vae": ["2", 1]}}
    prompt["6"]["inputs"]["audio"] = ["8", 0]
    return prompt


def test_stop_ends_with_the_running_step(comfyui_module, pocket_like):
    """Pressed at the beginning of step 4, it asks the network for no fifth."""
    found = run(comfyui_module, "stopping.py", pocket_like)
    assert found["stopped"]
    assert 3 * found["a step"] < found["in all"] <= 4 * found["a step"]


def test_the_stop_button_ends_with_the_running_step(server):
    """After the press no later step than the running one is told of: step 4, where the press comes right after step 3."""
    prompt = graph("pocket", seconds=60.0, steps=200, seed=77)
    with Listener(server.port) as listener:
        stopped = server.post("/prompt", {"prompt": prompt, "client_id": listener.name})["prompt_id"]
        told = (body for kind, body in listener.messages() if kind == "progress")
        steps = ((body["value"], time.monotonic()) for body in told if body["node"] == SAMPLER)
        second, third = (next(when for step, when in steps if step == wanted) for wanted in (2, 3))
        server.post("/interrupt", {})
        after = [body["value"] for kind, body in listener.until_the_end() if kind == "progress"]
    assert third - second > 0.2  # or else the press may come a step late
    assert after in ([], [4])
    messages = server.wait(stopped, 30)["status"]["messages"]
    assert [body["node_id"] for kind, body in messages if kind == "execution_interrupted"] == [SAMPLER]
    assert server.run(graph("tiny"))["status"]["status_str"] == "success"


def test_the_hosts_sampler_shows_another_picture_at_every_step(server):
    """Where the page asks for the host's previews."""
    asked = {"prompt": core_sampler(6), "extra_data": {"preview_method": "latent2rgb"}}
    with Listener(server.port) as listener:
        server.post("/prompt", asked | {"client_id": listener.name})
        pictures = [body[HEADER:] for kind, body in listener.until_the_end() if not kind]
    assert len(set(pictures)) == len(pictures) == 6
    with Image.open(io.BytesIO(pictures[-1])) as picture:
        assert picture.width > 2 * picture.height
