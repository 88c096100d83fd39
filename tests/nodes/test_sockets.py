"""Ids and sockets never change: graphs that people share depend on them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PACK = HERE.parents[1]

SOCKETS = {
    "Art2MusLoadArtwork": (["artwork COMBO"], ["image IMAGE", "mask MASK"]),
    "Art2MusLoadModel": (
        ["model COMBO", "support COMBO?", "heads COMBO?"],
        ["model MODEL", "vae VAE", "language ART2MUS_LANGUAGE"],
    ),
    "Art2MusVisualConditioningExtractor": (
        ["image IMAGE", "encoder COMBO", "mask MASK?"],
        ["embedding ART2MUS_EMBEDDING"],
    ),
    "Art2MusImageAligner": (
        [
            "embedding ART2MUS_EMBEDDING",
            "language ART2MUS_LANGUAGE",
            "aligner COMBO",
            "strength FLOAT",
            "text STRING?",
            "negative_text STRING?",
        ],
        ["positive CONDITIONING", "negative CONDITIONING"],
    ),
    "Art2MusSampler": (
        [
            "model MODEL",
            "vae VAE",
            "positive CONDITIONING",
            "negative CONDITIONING",
            "seconds FLOAT",
            "steps INT",
            "guidance FLOAT",
            "solver COMBO",
            "seed INT",
        ],
        ["audio AUDIO", "latent LATENT"],
    ),
    "Art2MusSaveAudio": (["audio AUDIO", "cover IMAGE?", "name STRING", "format COMBO"], []),
}


def test_ids_and_sockets(nodes):
    found = {}
    for name, node in nodes.items():
        schema = node.GET_SCHEMA()
        inputs = [f"{socket.id} {socket.io_type}{'?' * socket.optional}" for socket in schema.inputs]
        found[name] = (inputs, [f"{socket.display_name} {socket.io_type}" for socket in schema.outputs])
    assert found == SOCKETS


def test_everything_is_explained(nodes):
    for name, node in nodes.items():
        schema = node.GET_SCHEMA()
        assert schema.description
        assert schema.category == "Art2Mus"
        assert all(socket.tooltip for socket in schema.inputs), name
        page = (PACK / "web" / "docs" / f"{name}.md").read_text(encoding="utf-8")
        assert all(f"| {socket.id}" in page or f", {socket.id}" in page for socket in schema.inputs), name


def test_only_the_last_node_ends_a_graph(nodes):
    assert [name for name, node in nodes.items() if node.GET_SCHEMA().is_output_node] == ["Art2MusSaveAudio"]


def test_sampler_offers_the_cores_solvers_and_defaults(nodes, pack):
    inputs = {socket.id: socket for socket in nodes["Art2MusSampler"].GET_SCHEMA().inputs}
    assert inputs["solver"].options == list(pack("art2mus_core.diffusion.schedules").SOLVERS)
    defaults = pack("art2mus_core.pipelines.settings").Settings()
    assert {name: inputs[name].default for name in vars(defaults)} == vars(defaults)


def test_start_of_the_host_waits_for_no_heavy_import():
    command = [sys.executable, str(HERE / "describe.py"), str(PACK), str(HERE / "stand_in")]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert len(answer["nodes"]) == 6
    assert not {"diffusers", "transformers", "accelerate", "scipy", "comfy"} & set(answer["imported"])
