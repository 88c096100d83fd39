"""Shipped workflows against the nodes they use: a graph that is shared today has to load tomorrow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

PACK = Path(__file__).parents[2]
WORKFLOWS = sorted((PACK / "workflows").glob("*.json"))
RELEASED = sorted(Path(__file__).with_name("released").glob("*.json"))
BLUEPRINTS = sorted((PACK / "subgraphs").glob("*.json"))
HEAVIEST = 80_000
"""Bytes of a thumbnail."""


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def canvas(path: Path) -> tuple[list[dict], list[tuple]]:
    """Nodes and links of a workflow, or of what is inside a blueprint."""
    graph = read(path)
    inside = graph.get("definitions", {}).get("subgraphs", [])
    if not inside:
        return graph["nodes"], [tuple(link) for link in graph["links"]]
    order = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return inside[0]["nodes"], [tuple(link[key] for key in order) for link in inside[0]["links"]]


CASES = [
    pytest.param(path, node["id"], id=f"{path.parent.name}-{path.stem}-{node['type']}-{node['id']}")
    for path in WORKFLOWS + RELEASED + BLUEPRINTS
    for node in canvas(path)[0]
]


def ours(path: Path, number: int, nodes: dict) -> tuple[dict, object]:
    """A node of the pack on a canvas, and its schema; core nodes are left to a running server."""
    node = next(node for node in canvas(path)[0] if node["id"] == number)
    if node["type"] not in nodes:
        assert not node["type"].startswith("Art2Mus")
        pytest.skip("a node of the host: tests/host checks it against /object_info")
    return node, nodes[node["type"]].GET_SCHEMA()


def test_every_node_is_in_a_workflow(nodes):
    used = {node["type"] for path in WORKFLOWS for node in read(path)["nodes"]}
    assert {name for name, node in nodes.items() if not node.GET_SCHEMA().is_dev_only} <= used


@pytest.mark.parametrize(("path", "number"), CASES)
def test_widgets_hold_what_the_nodes_take(path, number, nodes, pack):
    node, schema = ours(path, number, nodes)
    published = pack("art2mus_core.checkpoints.cards").read_cards()
    sockets = {socket.id: socket for socket in schema.inputs}
    values = list(node["widgets_values"] or [])
    for slot in (slot for slot in node["inputs"] if "widget" in slot and values):
        value, socket = values.pop(0), sockets.get(slot["name"])
        assert socket is not None or slot["name"] in {"upload", "audioUI"}
        if getattr(socket, "control_after_generate", None):
            assert values.pop(0) in {"fixed", "randomize"}
        if getattr(socket, "options", None):
            assert value in socket.options or value in published
        if getattr(socket, "min", None) is not None:
            assert socket.min <= value <= socket.max
    assert values == []


@pytest.mark.parametrize(("path", "number"), CASES)
def test_links_join_sockets_of_one_type(path, number, nodes):
    node, schema = ours(path, number, nodes)
    sockets = {socket.id: socket.io_type for socket in schema.inputs}
    for link, source, out, target, into, kind in canvas(path)[1]:
        if target == number:
            slot = node["inputs"][into]
            assert (slot["link"], sockets[slot["name"]]) == (link, kind)
        if source == number:
            assert schema.outputs[out].io_type == kind
            assert link in node["outputs"][out]["links"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_there_is_a_picture_of_it(path):
    file = path.with_suffix(".jpg")
    with Image.open(file) as picture:
        assert picture.format == "JPEG"
        assert min(picture.size) >= 300
    assert file.stat().st_size <= HEAVIEST


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_it_says_what_to_try(path):
    graph = read(path)
    assert any(node["type"] == "MarkdownNote" for node in graph["nodes"])
    assert len(graph["groups"]) >= 2


def test_released_graphs_are_what_they_were():
    """Copies of what was given out; a change to a node must not need a change here."""
    assert [path.stem for path in RELEASED] == ["painting_to_music", "painting_to_music_0.1"]
