from __future__ import annotations

import shutil

import pytest
import torch


@pytest.fixture
def node(nodes):
    return nodes["Art2MusArtworkToMusic"]


def inner(output) -> dict[str, dict]:
    return {made["class_type"]: made["inputs"] for made in output.expand.values()}


def test_it_becomes_the_four_nodes_in_a_row(node):
    image = torch.rand(1, 3, 4, 3)
    output = node.execute(image=image, model="pocket", seconds=2.0, seed=7)
    found, ids = inner(output), {made["class_type"]: id_ for id_, made in output.expand.items()}
    load, look, align, compose = (
        ids[f"Art2Mus{name}"] for name in ("LoadModel", "VisualConditioningExtractor", "ImageAligner", "Sampler")
    )
    assert len(output.expand) == 4
    assert output.args == ([compose, 0],)
    assert found["Art2MusLoadModel"] == {"model": "pocket"}
    seen = found["Art2MusVisualConditioningExtractor"]
    assert seen["image"] is image
    assert (seen["encoder"], seen["mask"]) == ("pocket", None)
    told = {"embedding": [look, 0], "language": [load, 2], "aligner": "model", "strength": 1.0}
    assert found["Art2MusImageAligner"] == told
    parts = {"model": [load, 0], "vae": [load, 1], "positive": [align, 0], "negative": [align, 1]}
    settings = {"seconds": 2.0, "seed": 7, "steps": 20, "guidance": 1.5, "solver": "dpm++2m-karras"}
    assert found["Art2MusSampler"] == parts | settings


def test_inner_inputs_are_inputs_of_their_nodes(node, nodes):
    for kind, inputs in inner(node.execute(image=None, model="pocket", seconds=2.0, seed=7)).items():
        known = nodes[kind].GET_SCHEMA().inputs
        assert set(inputs) <= {socket.id for socket in known}
        assert {socket.id for socket in known if not socket.optional} <= set(inputs)


def test_the_aligner_names_the_encoder_that_the_model_lacks(pack, node, host_folders, pocket_like):
    own = host_folders / "models" / "art2mus" / "mine"
    shutil.copytree(pocket_like, own)
    expansion = pack("nodes.expansion")
    assert expansion.encoder_of("mine", "model") == "mine"
    shutil.rmtree(own / "image_encoder")
    header = pack("art2mus_core.aligners.files").read_header(own / "aligner" / "model.safetensors")
    assert expansion.encoder_of("mine", "model") == header.encoder
    chosen = node.execute(image=None, model="mine", seconds=2.0, seed=7, encoder="pocket")
    assert inner(chosen)["Art2MusVisualConditioningExtractor"]["encoder"] == "pocket"


def test_unknown_models_are_told(pack, node, host_folders):
    with pytest.raises(pack("art2mus_core.errors").SettingError, match="no model 'gone'"):
        node.execute(image=None, model="gone", seconds=2.0, seed=7)
