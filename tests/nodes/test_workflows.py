"""Shipped workflows against the nodes they use: a graph that is shared today has to load tomorrow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

WORKFLOWS = sorted((Path(__file__).parents[2] / "workflows").glob("*.json"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request):
    return json.loads(request.param.read_text(encoding="utf-8"))


def test_there_is_a_workflow_with_all_six_nodes(nodes):
    used = {node["type"] for path in WORKFLOWS for node in json.loads(path.read_text(encoding="utf-8"))["nodes"]}
    assert set(nodes) <= used


def test_widgets_hold_what_the_nodes_take(workflow, nodes):
    for node in (node for node in workflow["nodes"] if node["type"] in nodes):
        values = list(node["widgets_values"])
        for socket in nodes[node["type"]].GET_SCHEMA().inputs:
            if socket.io_type in {"COMBO", "INT", "FLOAT", "STRING"}:
                value = values.pop(0)
                assert socket.io_type != "COMBO" or value in socket.options
                assert getattr(socket, "min", None) is None or socket.min <= value <= socket.max
                if getattr(socket, "control_after_generate", None) or getattr(socket, "upload", None):
                    values.pop(0)
        assert values == []


def test_links_join_sockets_of_one_type(workflow, nodes):
    by_id = {node["id"]: node for node in workflow["nodes"]}
    for number, source, out, target, into, kind in workflow["links"]:
        output, slot = by_id[source]["outputs"][out], by_id[target]["inputs"][into]
        assert output["type"] == slot["type"] == kind
        assert number in output["links"]
        assert slot["link"] == number
        sockets = {socket.id: socket.io_type for socket in nodes[by_id[target]["type"]].GET_SCHEMA().inputs}
        assert sockets[slot["name"]] == kind
        assert nodes[by_id[source]["type"]].GET_SCHEMA().outputs[out].io_type == kind


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_there_is_a_picture_of_it(path):
    with Image.open(path.with_suffix(".jpg")) as picture:
        assert picture.format == "JPEG"
        assert min(picture.size) >= 300
