"""Every shipped workflow on a running server: known to it, and played to its end."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from pathlib import Path

import av
import pytest

pytestmark = pytest.mark.host

PACK = Path(__file__).parents[2]
WORKFLOWS = sorted((PACK / "workflows").glob("*.json"))
RELEASED = sorted((PACK / "tests" / "nodes" / "released").glob("*.json"))
NOTES = {"Note", "MarkdownNote"}
ABSENT = {"9 Published AudioLDM 2": "its weights are published by others, and large"}
"""Workflows that can't run here, and why."""

TINY = {"pocket": "tiny", "art2music": "words"}
SHORT = {"seconds": 1.0, "steps": 2, "count": 2}
PAINTING = {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 0x8040C0}}
"""Stands where an image checkpoint would paint."""

PAINTERS = {"CheckpointLoaderSimple", "CLIPTextEncode", "EmptyLatentImage", "KSampler", "VAEDecode"}


def name(path: Path) -> str:
    return path.stem if path in WORKFLOWS else f"released-{path.stem}"


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def shortened(prompt: dict) -> dict:
    """A prompt on the tiny models, with few steps and few seconds."""
    for node in prompt.values():
        inputs = node["inputs"]
        inputs |= {key: SHORT[key] for key in SHORT.keys() & inputs.keys() if not isinstance(inputs[key], list)}
        inputs |= {key: TINY[value] for key, value in inputs.items() if isinstance(value, str) and value in TINY}
        if node["class_type"] == "PrimitiveFloat":
            inputs["value"] = 1.5
    return prompt


def painted_without_checkpoint(prompt: dict) -> dict:
    """The same prompt with a plain picture in the place of the image checkpoint and all that hangs on it alone."""
    (picture,) = (key for key, node in prompt.items() if node["class_type"] == "VAEDecode")
    return {key: node for key, node in prompt.items() if node["class_type"] not in PAINTERS} | {picture: PAINTING}


def seconds(path: Path, kind: str) -> float:
    """How long one stream of a file is, by what can be decoded of it."""
    with av.open(str(path)) as file:
        last = list(file.decode(**{kind: 0}))[-1]
        each = last.samples / last.sample_rate if kind == "audio" else 1 / file.streams.video[0].average_rate
        return float(last.pts * last.time_base + each)


@pytest.mark.parametrize("path", WORKFLOWS + RELEASED, ids=name)
def test_the_server_knows_every_node_and_socket(server, path):
    workflow, info = read(path), server.get("/object_info")
    nodes = {node["id"]: node for node in workflow["nodes"]}
    assert [node["type"] for node in nodes.values() if node["type"] not in info.keys() | NOTES] == []
    for _, source, out, target, into, kind in workflow["links"]:
        slot = nodes[target]["inputs"][into]
        schema = info[nodes[target]["type"]]["input"]
        declared = schema["required"] | schema.get("optional", {})
        wanted = declared[slot["name"].split(".")[0]][0]
        assert info[nodes[source]["type"]]["output"][out] == kind
        assert wanted in {kind, "*"} or wanted.startswith("COMFY_AUTOGROW"), (slot["name"], kind, wanted)


@pytest.mark.parametrize("path", WORKFLOWS + RELEASED, ids=name)
def test_every_widget_has_a_value(server, comfyui_module, path):
    """What the server wants is there after conversion, and nothing is left over."""
    workflow, info = read(path), server.get("/object_info")
    prompt = server.as_prompt(workflow)
    for node in (node for node in workflow["nodes"] if node["type"] not in NOTES):
        inputs = prompt[str(node["id"])]["inputs"]
        required = info[node["type"]]["input"]["required"]
        missing = [key for key in required if key not in {given.split(".")[0] for given in inputs}]
        assert missing == []
        slots = [slot for slot in node["inputs"] if "widget" in slot and slot["type"] != "AUDIO_UI"]
        seeds = sum(bool(comfyui_module.option(required, slot["name"], "control_after_generate")) for slot in slots)
        assert len(node.get("widgets_values") or []) in {len(slots), len(slots) + seeds}, node["type"]


@pytest.mark.parametrize("path", WORKFLOWS + RELEASED, ids=name)
def test_it_plays(server, path):
    if path.stem in ABSENT:
        pytest.skip(ABSENT[path.stem])
    prompt = shortened(server.as_prompt(read(path)))
    if path.stem == "8 Image generation to music":
        prompt = painted_without_checkpoint(prompt)
    entry = server.run(prompt)
    files = server.outputs(entry, "images") if path.stem == "4 Painting and music as video" else server.outputs(entry)
    written = [file for file in files if file.parent.is_relative_to(server.base / "output")]
    assert len(written) == (SHORT["count"] if path.stem == "5 Folder of artworks" else 1)
    assert all(seconds(file, "audio") >= 0.9 for file in written)


def test_the_video_is_as_long_as_its_music(server):
    prompt = shortened(server.as_prompt(read(PACK / "workflows" / "4 Painting and music as video.json")))
    (path,) = server.outputs(server.run(prompt), "images")
    assert path.suffix == ".mp4"
    assert seconds(path, "video") == 1.5
    assert seconds(path, "audio") == pytest.approx(
        1.5, abs=0.15
    )  # AAC's blocks are 0.128 s long at the tiny model's rate


def test_a_folder_of_artworks_names_its_pieces(server):
    prompt = shortened(server.as_prompt(read(PACK / "workflows" / "5 Folder of artworks.json")))
    stems = [path.stem.rsplit("_", 2)[0] for path in server.outputs(server.run(prompt))]
    assert stems == ["blue_flowers_on_red", "garden_ablaze"]


def test_published_weights_are_asked_for_in_words(server, comfyui_module):
    """Before they are here, Run says which licences are to be read; it downloads nothing."""
    prompt = server.as_prompt(read(PACK / "workflows" / "9 Published AudioLDM 2.json"))
    with pytest.raises(comfyui_module.RefusedError, match="licence of audioldm2 is not accepted"):
        server.queue(prompt)


def test_templates_and_blueprint_are_served(server):
    """In the order of their numbers, with their pictures, and under the names that links use."""
    listed = server.get("/workflow_templates")["art2mus"]
    assert listed == [path.stem for path in WORKFLOWS]
    for stem in listed:
        address = f"{server.address}/api/workflow_templates/art2mus/{urllib.parse.quote(stem)}"
        with urllib.request.urlopen(f"{address}.json") as graph, urllib.request.urlopen(f"{address}.jpg") as picture:
            assert json.load(graph)["nodes"]
            assert picture.headers["Content-Type"] == "image/jpeg"
    assert server.get("/api/workflow_templates/art2mus/painting_to_music.json") == read(WORKFLOWS[0])
    ours = {entry["name"] for entry in server.get("/global_subgraphs").values() if entry["source"] == "custom_node"}
    assert ours == {path.stem for path in (PACK / "subgraphs").glob("*.json")}


def test_no_workflow_uses_what_the_host_gives_up(server):
    """Core nodes that are deprecated today are gone tomorrow."""
    deprecated = {name for name, info in server.get("/object_info").items() if info.get("deprecated")}
    assert "SaveAudio" in deprecated or not deprecated  # hosts before 0.30 gave up none of these
    graphs = [read(path) for path in (*WORKFLOWS, *sorted((PACK / "subgraphs").glob("*.json")))]
    nested = [inner for graph in graphs for inner in graph.get("definitions", {}).get("subgraphs", [])]
    used = {node["type"] for graph in graphs + nested for node in graph["nodes"]}
    assert used & deprecated == set()
