from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def node(nodes):
    return nodes["Art2MusArtworkToMusic"]


def inner(output) -> dict[str, dict]:
    return {made["class_type"]: made["inputs"] for made in output.expand.values()}


def test_it_becomes_the_four_nodes_in_a_row(node):
    image = ["7", 0]
    output = node.execute(image=image, model="pocket", seconds=2.0, seed=7)
    found, ids = inner(output), {made["class_type"]: id_ for id_, made in output.expand.items()}
    load, look, align, compose, gather = (
        ids[f"Art2Mus{name}"]
        for name in ("LoadModel", "VisualConditioningExtractor", "ImageAligner", "Sampler", "Gather")
    )
    assert len(output.expand) == 5
    assert output.args == ([gather, 0],)
    assert found["Art2MusGather"] == {"audio": [compose, 0]}
    assert found["Art2MusLoadModel"] == {"model": "pocket"}
    seen = found["Art2MusVisualConditioningExtractor"]
    assert seen == {"image": image, "encoder": "pocket", "mask": None, "invert": False}
    told = {"embedding": [look, 0], "language": [load, 2], "aligner": "model", "strength": 1.0}
    assert found["Art2MusImageAligner"] == told
    parts = {"model": [load, 0], "vae": [load, 1], "positive": [align, 0], "negative": [align, 1]}
    settings = {"seconds": 2.0, "seed": 7, "steps": 8, "guidance": 2.0, "solver": "dpm++2m-karras"}
    settings |= {"shared_noise": False, "level": True, "reprise": 0.9, "preset": "custom"}
    assert found["Art2MusSampler"] == parts | settings


@pytest.mark.parametrize(
    ("changed", "run_again"),
    [
        ({"seed": 8}, {"Sampler"}),
        ({"steps": 3}, {"Sampler"}),
        ({"strength": 0.5}, {"ImageAligner"}),
    ],
    ids=str,
)
def test_a_change_reaches_only_the_nodes_that_it_concerns(node, changed, run_again):
    """The host runs a node again if its inputs changed or come from one that runs again."""
    usual = {"image": ["7", 0], "model": "pocket", "seconds": 2.0, "seed": 7}
    before, after = (
        {kind: {name: value for name, value in inputs.items() if not isinstance(value, list)} for kind, inputs in found}
        for found in (inner(node.execute(**each)).items() for each in (usual, usual | changed))
    )
    assert {kind for kind in before if before[kind] != after[kind]} == {f"Art2Mus{name}" for name in run_again}


def test_links_are_handed_on_except_those_that_choose_files(node):
    by_value = [socket.id for socket in node.GET_SCHEMA().inputs if not (socket.rawLink and socket.lazy)]
    assert by_value == ["model", "encoder", "aligner"]


def test_a_list_is_gathered_as_one(nodes):
    gather = nodes["Art2MusGather"]
    assert gather.GET_SCHEMA().is_input_list
    assert gather.execute(["a", "b"]).args == (["a", "b"],)


def test_inner_inputs_are_inputs_of_their_nodes(node, nodes):
    for kind, inputs in inner(node.execute(image=None, model="pocket", seconds=2.0, seed=7)).items():
        known = nodes[kind].GET_SCHEMA().inputs
        assert set(inputs) <= {socket.id for socket in known}
        assert {socket.id for socket in known if not socket.optional} <= set(inputs)


@pytest.fixture
def own(host_folders, pocket_like):
    """A checkpoint `mine` with an encoder of its own."""
    return shutil.copytree(pocket_like, host_folders / "models" / "art2mus" / "mine")


def looks(node, **more) -> str:
    """The encoder that is chosen for `mine`."""
    output = node.execute(image=["7", 0], model="mine", seconds=2.0, seed=7, **more)
    return inner(output)["Art2MusVisualConditioningExtractor"]["encoder"]


def test_the_aligner_names_the_encoder_that_the_model_lacks(pack, node, own):
    assert looks(node) == "mine"
    shutil.rmtree(own / "image_encoder")
    assert looks(node) == pack("art2mus_core.aligners.files").read_header(own / "aligner" / "model.safetensors").encoder
    assert looks(node, encoder="pocket") == "pocket"


def test_an_aligner_of_another_space_brings_its_encoder(pack, node, own):
    files = pack("art2mus_core.aligners.files")
    aligner = pack("art2mus_core.aligners.projection").ProjectionAligner(
        dim=9, hidden=13, tokens=4, width=10, space="imagebind"
    )
    path = own / "aligner" / "foreign.safetensors"
    files.save_aligner(path, aligner, licence="CC0-1.0", run="none", half=True, encoder="eyes")
    assert looks(node, aligner="foreign") == "eyes"


def test_unknown_models_are_told(pack, node, host_folders):
    with pytest.raises(pack("art2mus_core.errors").SettingError, match="no model 'gone'"):
        node.execute(image=None, model="gone", seconds=2.0, seed=7)
