"""The host's EasyCache and LazyCache on our MODEL."""

from __future__ import annotations

import re

import pytest
import torch

from art2mus_core.audio.reading import read_audio
from art2mus_core.networks.products import ONEDNN

from .graphs import executed, in_four_nodes
from .running import PACK, run

pytestmark = pytest.mark.host

CASES = ("one", "two", "without guidance", "sides apart")
CHECKPOINTS = {"pocket": (30, 0.2, 0.05), "pocket_like": (12, 3.0, 3.0), "published_like": (12, 3.0, 3.0)}
"""Steps, and the thresholds of EasyCache and LazyCache; of random weights such that something is left out."""


@pytest.fixture(scope="module", params=CHECKPOINTS)
def facts(request, comfyui_module):
    bundled = PACK / "art2mus_core" / "pocket"
    folder = bundled if request.param == "pocket" else request.getfixturevalue(request.param)
    return run(comfyui_module, "caching.py", folder, *CHECKPOINTS[request.param]) | {"name": request.param}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("node", ["EasyCache", "LazyCache"])
def test_a_node_leaves_evaluations_out_and_the_music_stays_near(facts, case, node):
    told, pieces = facts["cases"][case], 1 if case == "one" else 2
    steps = CHECKPOINTS[facts["name"]][0]
    assert (told["pieces"], told["evaluations"]) == (pieces, steps * pieces * (1 if case == "without guidance" else 2))
    assert told[node]["evaluations"] <= 0.9 * told["evaluations"]
    if facts["name"] == "pocket":
        assert 0 < told[node]["far"] < (0.1 if node == "EasyCache" else 0.6)  # another seed is .8 apart


@pytest.mark.parametrize("case", CASES)
def test_without_a_node_and_with_one_that_leaves_nothing_out_the_bits_are_the_same(facts, case):
    told = facts["cases"][case]
    assert told["again without"]
    assert [told[node]["at threshold 0"] for node in ("EasyCache", "LazyCache")] == [[True, told["evaluations"]]] * 2


def test_without_wrappers_the_hosts_way_is_the_cores_bit_by_bit(facts):
    assert facts["unwrapped"]


def test_linear_layers_of_a_large_network_compute_as_in_the_core(facts):
    """By oneDNN where the core does; by the host where it streams weights."""
    found = facts["quick"]
    assert (found["small"], found["streamed"]) == (0, 0)
    assert found["layers"] > 10
    assert found["large"] == (found["layers"] if ONEDNN else 0)
    assert max(found["large, far"], found["streamed, far"]) < 1e-4


def through(node: str | None, threshold: float) -> dict:
    """KSampler on the bundled model, with the node before it."""
    prompt = in_four_nodes("pocket", "pocket")
    model = ["2", 0]
    if node:
        chosen = {"reuse_threshold": threshold, "start_percent": 0.15, "end_percent": 0.95, "verbose": False}
        prompt["9"] = {"class_type": node, "inputs": {"model": model, **chosen}}
        model = ["9", 0]
    prompt["7"] = {"class_type": "Art2MusEmptyLatent", "inputs": {"model": ["2", 0], "seconds": 2.0, "batch_size": 1}}
    sides = {"model": model, "positive": ["4", 0], "negative": ["4", 1], "latent_image": ["7", 0]}
    chosen = {"seed": 8, "steps": 30, "cfg": 2.0, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1.0}
    prompt["5"] = {"class_type": "KSampler", "inputs": sides | chosen}
    prompt["8"] = {"class_type": "VAEDecodeAudio", "inputs": {"samples": ["5", 0], "vae": ["2", 1]}}
    prompt["6"]["inputs"]["audio"] = ["8", 0]
    return prompt


def test_a_workflow_with_a_node_skips_steps(server):
    """On a running server, which says how many it skipped; afterwards the model is as before."""
    music, skipped = [], {}
    for node, threshold in ((None, 0.0), ("EasyCache", 0.2), ("LazyCache", 0.05), (None, 0.0)):
        before = len(server.log.read_text())
        prompt = through(node, threshold)
        prompt["6"]["inputs"]["name"] = f"caching {node} {len(music)}"
        entry, nodes = executed(server, prompt)
        assert "5" in nodes  # not taken from the server's cache
        (path,) = server.outputs(entry)
        music.append(read_audio(path, mono=False).samples)
        told = re.findall(r"(\w+) - skipped (\d+)/30 steps", server.log.read_text()[before:])
        skipped |= {name: int(count) for name, count in told}
        assert [name for name, _ in told] == [node] * bool(node)
    assert min(skipped["EasyCache"], skipped["LazyCache"]) >= 3
    plain, easy, lazy, again = music
    assert torch.equal(again, plain)
    assert all((one - plain).abs().max() > 0 for one in (easy, lazy))
