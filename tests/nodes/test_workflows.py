"""Shipped workflows against the nodes they use: a graph that is shared today has to load tomorrow."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

PACK = Path(__file__).parents[2]
WORKFLOWS = sorted((PACK / "workflows").glob("*.json"))
RELEASED = sorted(Path(__file__).with_name("released").glob("*.json"))
BLUEPRINTS = sorted((PACK / "subgraphs").glob("*.json"))
HEAVIEST = 60_000
"""Bytes of a thumbnail."""

TITLE, AIR = 30, 30
"""Height of a node's title, and what is to be free between two nodes."""

HEIGHTS = {}
"""What the newest front end makes of a node at least, in either renderer, after a run; tests/ui measures it."""


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
            assert value in socket.options or value in published or pack("nodes.folders").sample_path(value)
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
    """A square, as the template browser's cards are: a picture of another shape is cut there."""
    file = path.with_suffix(".jpg")
    with Image.open(file) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (512, 512)
    assert file.stat().st_size <= HEAVIEST


def test_what_runs_at_once_comes_first():
    """By the numbers in the names, which are all that the template browser shows."""
    fetched = {"CheckpointLoaderSimple", "Art2MusDownloadModel"}
    later = [bool(fetched & {node["type"] for node in read(path)["nodes"]}) for path in WORKFLOWS]
    assert later == sorted(later)
    assert later.count(True) == 2


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_its_name_reads_as_a_title(path):
    """In words, and no longer than a card is wide."""
    assert re.fullmatch(rf"{WORKFLOWS.index(path) + 1} [A-Z][\w ]{{1,30}}", path.stem)
    assert "_" not in path.stem


def answers(pack, listed: web.StreamResponse, *paths: str) -> list[tuple[int, bytes]]:
    """What a server with our additions sends; `listed` is its own answer at the addresses of the list."""
    templates, routes, app = pack("nodes.templates"), web.RouteTableDef(), web.Application()

    async def own(_):
        return listed

    async def ask() -> list[tuple[int, bytes]]:
        async with TestClient(TestServer(app)) as client:
            found = [await client.get(path) for path in paths]
            return [(each.status, await each.read()) for each in found]

    templates.order_templates(app)
    templates.keep_links(routes)
    for path in paths[:1]:
        routes.get(path)(own)
    app.add_routes([web.static(f"/workflow_templates/{PACK.name}", PACK / "workflows")])  # before, as the host does
    app.add_routes(routes)
    return asyncio.run(ask())


def test_links_still_name_every_workflow(pack):
    """By names without spaces, as the host's links want them; files are found by their own names too."""
    links = pack("nodes.templates").LINKS
    assert sorted(links.values()) == [path.stem for path in WORKFLOWS]
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in links)
    folder = f"/workflow_templates/{PACK.name}"
    names = [name for pair in links.items() for name in pair]
    _, *sent = answers(pack, web.Response(), "/", *(f"{folder}/{name}.json" for name in (*names, "another")))
    assert [status for status, _ in sent] == [200] * len(names) + [404]
    assert all(
        json.loads(linked) == json.loads(plain) for (_, linked), (_, plain) in zip(sent[:-1:2], sent[1::2], strict=True)
    )


def test_our_workflows_are_sorted_in_the_list_and_no_others(pack):
    theirs = {"b": ["2", "1"], "a": ["y", "x"]}
    mixed = {"b": ["2", "1"], PACK.name: ["2 b", "10 c", "1 a"], "a": ["y", "x"]}
    ((status, body),) = answers(pack, web.json_response(mixed), "/workflow_templates")
    assert status == 200
    assert list(json.loads(body).items()) == [("b", ["2", "1"]), (PACK.name, ["1 a", "10 c", "2 b"]), ("a", ["y", "x"])]
    ((_, body),) = answers(pack, web.json_response(theirs), "/api/workflow_templates")
    assert json.loads(body) == theirs
    ((_, body),) = answers(pack, web.json_response(mixed), "/elsewhere")
    assert json.loads(body) == mixed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"\xff\xfe",
        b"[]",
        b"7",
        json.dumps({PACK.name: 5}).encode(),
        json.dumps({PACK.name: [1, "a"]}).encode(),
    ],
)
def test_a_list_of_another_form_is_left_as_it_is(pack, body):
    ((status, sent),) = answers(pack, web.Response(body=body, status=203), "/workflow_templates")
    assert (status, sent) == (203, body)


def outlines(path: Path) -> dict[int, tuple[float, float, float, float]]:
    """Left, top, right and lower edge of every node, its title above it included, as tall as the taller renderer draws it."""
    nodes = canvas(path)[0]
    return {
        node["id"]: (x, y - TITLE, x + width, y + max(height, HEIGHTS.get(node["type"], 0)))
        for node in nodes
        for (x, y), (width, height) in [(node["pos"], node["size"])]
    }


@pytest.mark.parametrize("path", WORKFLOWS + BLUEPRINTS, ids=lambda path: path.stem)
def test_no_two_nodes_touch(path):
    near = []
    for (one, a), (other, b) in itertools.combinations(outlines(path).items(), 2):
        aside = max(b[0] - a[2], a[0] - b[2])
        above = max(b[1] - a[3], a[1] - b[3])
        if max(aside, above) < AIR:
            near.append((one, other, round(max(aside, above))))
    assert near == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_node_lies_in_one_group(path):
    groups = [group["bounding"] for group in read(path)["groups"]]
    for number, (left, top, right, low) in outlines(path).items():
        around = [
            (x, y, width, height)
            for x, y, width, height in groups
            if x <= left and y <= top and right <= x + width and low <= y + height
        ]
        assert len(around) == 1, number


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_it_says_what_to_try(path):
    graph = read(path)
    assert any(node["type"] == "MarkdownNote" for node in graph["nodes"])
    assert len(graph["groups"]) >= 2


def test_released_graphs_are_what_they_were():
    """Copies of what was given out; a change to a node must not need a change here."""
    assert [path.stem for path in RELEASED] == ["painting_to_music", "painting_to_music_0.1"]
