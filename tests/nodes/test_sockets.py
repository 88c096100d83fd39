"""Ids and sockets never change: graphs that people share depend on them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PACK = HERE.parents[1]

RELEASED = json.loads((HERE / "released_sockets.json").read_text(encoding="utf-8"))
"""Sockets of each node as they were first released; a question mark stands for an optional one."""


def test_all_nodes_are_there(nodes):
    assert set(nodes) == set(RELEASED)


@pytest.mark.parametrize("name", RELEASED)
def test_released_sockets_stay_and_new_inputs_are_optional(nodes, name):
    schema = nodes[name].GET_SCHEMA()
    inputs = [f"{socket.id} {socket.io_type}{'?' * socket.optional}" for socket in schema.inputs]
    before = RELEASED[name]["inputs"]
    assert inputs[: len(before)] == before
    assert all(each.endswith("?") for each in inputs[len(before) :])
    lists = (" list" if socket.is_output_list else "" for socket in schema.outputs)
    outputs = [
        f"{socket.display_name} {socket.io_type}{more}" for socket, more in zip(schema.outputs, lists, strict=True)
    ]
    assert outputs == RELEASED[name]["outputs"]


@pytest.mark.parametrize("name", RELEASED)
def test_everything_is_explained(nodes, name):
    schema = nodes[name].GET_SCHEMA()
    assert schema.display_name
    assert schema.description
    assert schema.search_aliases
    assert schema.category == "Art2Mus"
    assert [socket.id for socket in schema.inputs if not socket.tooltip] == []


def test_beginners_find_the_whole_way_among_the_essentials(nodes):
    main = {name for name, node in nodes.items() if node.GET_SCHEMA().essentials_category == "Audio"}
    assert main == {
        f"Art2Mus{name}" for name in ("LoadArtwork", "ArtworkFolder", "ArtworkToMusic", "PreviewMusic", "SaveAudio")
    }


def test_what_beginners_need_not_set_is_advanced(nodes):
    inputs = nodes["Art2MusArtworkToMusic"].GET_SCHEMA().inputs
    plain = [socket.id for socket in inputs if not getattr(socket, "advanced", None)]
    assert plain == ["image", "model", "seconds", "seed", "mask"]


@pytest.mark.parametrize("name", ["Art2MusSampler", "Art2MusArtworkToMusic"])
def test_a_preset_is_seen_wherever_the_inputs_are_that_it_replaces(nodes, name):
    inputs = {socket.id: bool(getattr(socket, "advanced", None)) for socket in nodes[name].GET_SCHEMA().inputs}
    assert {inputs[each] for each in ("steps", "guidance", "solver")} == {inputs["preset"]}


def test_these_nodes_end_a_graph(nodes):
    ends = {name for name, node in nodes.items() if node.GET_SCHEMA().is_output_node}
    assert ends == {"Art2MusSaveAudio", "Art2MusPreviewMusic", "Art2MusDownloadModel"}


@pytest.mark.parametrize("name", ["Art2MusSampler", "Art2MusArtworkToMusic"])
def test_the_cores_solvers_and_defaults_are_offered(nodes, pack, name):
    inputs = {socket.id: socket for socket in nodes[name].GET_SCHEMA().inputs}
    assert inputs["solver"].options == list(pack("art2mus_core.diffusion.schedules").SOLVERS)
    assert "student" not in inputs["solver"].options  # without its weights it makes noise
    defaults = pack("art2mus_core.pipelines.settings").Settings()
    offered = {name: value for name, value in vars(defaults).items() if name != "guided_below"}  # a preset's alone
    assert {name: inputs[name].default for name in offered} == {**offered, "preset": "balanced"}
    presets = pack("art2mus_core.pipelines.presets")
    assert inputs["preset"].options == [presets.CUSTOM, *presets.PRESETS]


def test_start_of_the_host_waits_for_no_heavy_import():
    command = [sys.executable, str(HERE / "describe.py"), str(PACK), str(HERE / "stand_in")]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert len(answer["nodes"]) == len(RELEASED)
    assert not {"diffusers", "transformers", "accelerate", "scipy", "comfy"} & set(answer["imported"])
