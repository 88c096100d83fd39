"""Artwork to Music, Artwork Folder and Preview Music in a real ComfyUI."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest
import torch
from PIL import Image

from .graphs import executed, heard, in_four_nodes, in_one_node, loads, save

pytestmark = pytest.mark.host

PACK = Path(__file__).resolve().parents[2]


def test_one_node_plays_what_four_nodes_play(server):
    (short,) = server.outputs(server.run(in_one_node()))
    (long,) = server.outputs(server.run(in_four_nodes()))
    assert heard(short)[1] == heard(long)[1]
    assert max(map(abs, heard(short)[1])) > 0.05


def test_every_setting_reaches_its_node(server):
    chosen = {"steps": 2, "guidance": 3.0, "solver": "ddim", "seconds": 1.4, "seed": 9}
    chosen |= {"shared_noise": True, "level": False, "reprise": 0.4}
    mask = {"class_type": "SolidMask", "inputs": {"value": 0.25, "width": 8, "height": 8}}
    (short,) = server.outputs(
        server.run({**in_one_node(**chosen, strength=0.5, encoder="published", mask=["9", 0], invert=True), "9": mask})
    )
    long = {**in_four_nodes(encoder="published", **chosen), "9": mask}
    long["3"]["inputs"] |= {"mask": ["9", 0], "invert": True}
    long["4"]["inputs"]["strength"] = 0.5
    assert heard(short)[1] == heard(server.outputs(server.run(long))[0])[1]


def test_the_aligner_names_the_encoder_where_the_model_has_none(server):
    (short,) = server.outputs(server.run(in_one_node(model="prior", aligner="adapter", steps=2)))
    (long,) = server.outputs(server.run(in_four_nodes("prior", "eyes", "adapter", steps=2)))
    assert heard(short)[1] == heard(long)[1]


def previewed(seed: int) -> dict:
    return in_one_node(seed=seed) | {"3": {"class_type": "Art2MusPreviewMusic", "inputs": {"audio": ["2", 0]}}}


def in_a_row(seed: int) -> dict:
    return in_four_nodes(seed=seed)


@pytest.mark.parametrize(("graph", "again"), [(previewed, ["2", "3"]), (in_a_row, ["5", "6"])])
def test_another_seed_does_not_load_the_model_again(server, graph, again):
    """Not so of Artwork to Music before Save Audio, whose name is looked at first: then the host, which by default keeps
    nothing from an earlier run while a node runs, has let go what it does not yet know to be wanted again."""
    server.post("/free", {"unload_models": True, "free_memory": True})
    models, others = loads(server)
    server.run(graph(101))
    first = loads(server)
    assert first[0] == models + 1
    assert first[1] > others
    entry, done = executed(server, graph(102))
    assert done == again
    assert loads(server) == first
    assert server.outputs(entry)


def test_every_picture_of_a_folder_becomes_a_piece_of_its_name(server):
    folder = server.base / "input" / "two"
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (30, 40), "red").save(folder / "2.png")
    Image.new("RGB", (50, 20), "navy").save(folder / "10.png")
    prompt = {**in_one_node(image=["7", 0], mask=["7", 1]), "7": pictures("input/two")}
    prompt["3"] = save(["2", 0], name=["7", 2])
    paths = server.outputs(server.run(prompt))
    assert [path.name for path in paths] == ["2_00001_.flac", "10_00001_.flac"]
    marks = []
    for path in paths:
        with av.open(str(path)) as file:
            marks.append(file.metadata["artwork_sha256"])
    assert marks[0] != marks[1]
    assert heard(paths[0])[1] != heard(paths[1])[1]


@pytest.fixture(scope="module")
def forgetful(comfyui_module, tmp_path_factory, pocket_like):
    """A running ComfyUI that keeps nothing."""
    with comfyui_module.ComfyUI(
        tmp_path_factory.mktemp("forgetful"), {"tiny": pocket_like}, ("--cache-none",)
    ) as running:
        yield running


@pytest.mark.parametrize("keeping", ["server", "forgetful"])
def test_lists_of_pictures_and_masks_go_side_by_side(request, keeping):
    """As in the long graph, and the model is loaded once for all."""
    host = request.getfixturevalue(keeping)
    folder = host.base / "input" / "torn"
    folder.mkdir(exist_ok=True)
    for number in range(3):
        picture = Image.new("RGBA", (40, 30), "olive")
        picture.paste((255, 0, 0, 0), (0, 0, 10 * number, 20))
        picture.save(folder / f"{number}.png")
    masks, name = {"7": pictures("Samples", 1, 3), "8": pictures("input/torn")}, ["8", 2]
    short = in_one_node(image=["7", 0], mask=["8", 1], steps=2) | masks | {"3": save(["2", 0], name)}
    long = in_four_nodes(steps=2) | masks | {"6": save(["5", 0], name)}
    long["3"]["inputs"] |= {"image": ["7", 0], "mask": ["8", 1]}
    host.post("/free", {"unload_models": True, "free_memory": True})
    before = loads(host)[0]
    found = host.outputs(host.run(short))
    assert loads(host)[0] == before + 1
    assert [path.name[0] for path in found] == ["0", "1", "2"]
    pieces = [heard(path)[1] for path in found]
    assert pieces == [heard(path)[1] for path in host.outputs(host.run(long))]
    assert len({tuple(piece) for piece in pieces}) == 3


def test_a_batch_gives_a_batch(server):
    both = {"class_type": "ImageBatch", "inputs": {"image1": ["1", 0], "image2": ["8", 0]}}
    other = {"class_type": "Art2MusLoadArtwork", "inputs": {"artwork": "garden ablaze (sample)"}}
    first, second = map(heard, server.outputs(server.run(in_one_node(image=["7", 0]) | {"7": both, "8": other})))
    assert first != second


def test_masks_of_another_number_than_pictures_go_round(server):
    """Three pictures alike under two masks: the third has the first's mask, and sounds like the first."""
    prompt = in_one_node(image=["7", 0], mask=["9", 0], steps=2)
    prompt["7"] = {"class_type": "RepeatImageBatch", "inputs": {"image": ["1", 0], "amount": 3}}
    for key, colour in (("10", 0x000000), ("11", 0x800000)):
        size = {"width": 8, "height": 8, "batch_size": 1, "color": colour}
        prompt[key] = {"class_type": "EmptyImage", "inputs": size}
    prompt["8"] = {"class_type": "ImageBatch", "inputs": {"image1": ["10", 0], "image2": ["11", 0]}}
    prompt["9"] = {"class_type": "ImageToMask", "inputs": {"image": ["8", 0], "channel": "red"}}
    pieces = torch.tensor([heard(path)[1] for path in server.outputs(server.run(prompt))])
    far = (pieces - pieces[0]).abs().amax(1)
    assert far[2] <= 3  # steps of 16 bits: places in a batch differ by rounding
    assert far[1] > 100


def test_a_linked_seed_means_the_same(server):
    three = {"class_type": "PrimitiveInt", "inputs": {"value": 3}}
    (linked,) = server.outputs(server.run(in_one_node(seed=["9", 0]) | {"9": three}))
    assert heard(linked)[1] == heard(server.outputs(server.run(in_one_node()))[0])[1]


def test_what_goes_wrong_inside_is_said_in_words_at_the_node_on_the_canvas(server):
    entry = server.run(in_one_node(encoder="eyes"))
    assert "trained for the encoder" in server.error(entry)
    body = next(body for kind, body in entry["status"]["messages"] if kind == "execution_error")
    assert body["node_id"] == "2"


def pictures(folder: str, start: int = 1, count: int = 0) -> dict:
    return {"class_type": "Art2MusArtworkFolder", "inputs": {"folder": folder, "start": start, "count": count}}


def test_samples_are_a_folder(server):
    show = {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    entry = server.run({"1": pictures("Samples", 2, 3), "2": show})
    assert len(server.outputs(entry, "images")) == 3


def test_a_folder_is_read_again_when_a_picture_changes(server):
    folder = server.base / "input" / "changing"
    folder.mkdir()
    show = {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    prompt = {"1": pictures("input/changing"), "2": show}
    Image.new("RGB", (20, 30), "red").save(folder / "a.png")
    assert executed(server, prompt)[1] == ["1", "2"]
    assert executed(server, prompt)[1] == []
    for change in (
        lambda: Image.new("RGB", (20, 30), "navy").save(folder / "a.png"),
        lambda: Image.new("RGB", (9, 9)).save(folder / "b.png"),
        (folder / "a.png").unlink,
    ):
        change()
        assert executed(server, prompt)[1] == ["1", "2"]


def test_linked_numbers_do_not_read_a_folder_anew(server):
    show = {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    two = {"class_type": "PrimitiveInt", "inputs": {"value": 2}}
    prompt = {"1": pictures("Samples", ["9", 0], ["9", 0]), "2": show, "9": two}
    assert len(server.outputs(executed(server, prompt)[0], "images")) == 2
    assert executed(server, prompt)[1] == []


def test_masks_of_opaque_pictures_go_through_the_hosts_mask_nodes(server):
    """They are one number each, spread over the picture."""
    prompt = {"1": pictures("Samples", 1, 1)}
    edges = {"left": 2, "top": 2, "right": 2, "bottom": 2}
    after = {
        "GrowMask": {"mask": ["1", 1], "expand": 1, "tapered_corners": True},
        "FeatherMask": {"mask": ["1", 1], **edges},
        "InvertMask": {"mask": ["1", 1]},
        "ThresholdMask": {"mask": ["1", 1], "value": 0.5},
        "CropMask": {"mask": ["1", 1], "x": 0, "y": 0, "width": 9, "height": 9},
        "MaskComposite": {"destination": ["1", 1], "source": ["1", 1], "x": 0, "y": 0, "operation": "add"},
    }
    for number, (kind, inputs) in enumerate(after.items(), 10):
        prompt[str(number)] = {"class_type": kind, "inputs": inputs}
        prompt[str(number + 100)] = {"class_type": "MaskPreview", "inputs": {"mask": [str(number), 0]}}
    prompt["2"] = {"class_type": "JoinImageWithAlpha", "inputs": {"image": ["1", 0], "alpha": ["1", 1]}}
    prompt["3"] = {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}}
    prompt["4"] = {"class_type": "MaskToImage", "inputs": {"mask": ["1", 1]}}
    prompt["5"] = {"class_type": "PreviewImage", "inputs": {"images": ["4", 0]}}
    assert len(server.outputs(server.run(prompt), "images")) == len(after) + 2


def test_folders_outside_are_refused_in_words(server, comfyui_module):
    for name, said in (
        ("input/..", "leads out of ComfyUI's input folder"),
        ("input/../output", "leads out of ComfyUI's input folder"),
        ("/etc", "no folder 'etc'"),
        ("elsewhere", "no folder 'elsewhere'"),
    ):
        with pytest.raises(comfyui_module.RefusedError, match=said):
            server.queue({"1": pictures(name), "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}})


def test_music_is_previewed_with_its_spectrogram(server):
    prompt = in_one_node()
    prompt["3"] = {"class_type": "Art2MusPreviewMusic", "inputs": {"audio": ["2", 0]}}
    prompt["4"] = {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}}
    prompt["5"] = save(["2", 0], format="MP3")
    entry = server.run(prompt)
    assert entry["status"]["status_str"] == "success", server.error(entry)
    for node, kind in (("3", "temp"), ("5", "output")):
        ((sound,), (about,)) = (entry["outputs"][node][key] for key in ("audio", "art2mus"))
        assert sound["type"] == kind
        assert about["seconds"] == pytest.approx(1.0)
        drawn = about["spectrogram"]
        with Image.open(server.base / drawn["type"] / drawn["subfolder"] / drawn["filename"]) as picture:
            assert (drawn["type"], picture.format, picture.size) == ("temp", "PNG", (1000, 256))
            assert len(set(picture.convert("L").tobytes())) > 50
    with av.open(str(server.outputs(entry)[0])) as file:
        assert json.loads(file.metadata["prompt"])["3"]["class_type"] == "Art2MusPreviewMusic"


def test_any_sound_can_be_previewed(server):
    silence = {"class_type": "EmptyAudio", "inputs": {"duration": 0.1, "sample_rate": 44100, "channels": 2}}
    entry = server.run({"1": silence, "2": {"class_type": "Art2MusPreviewMusic", "inputs": {"audio": ["1", 0]}}})
    assert entry["outputs"]["2"]["art2mus"][0]["seconds"] == pytest.approx(0.1)


def test_without_a_package_the_pack_is_there_and_says_what_is_missing(comfyui_module, tmp_path, monkeypatch):
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "jaxtyping.py").write_text("raise ModuleNotFoundError(\"No module named 'jaxtyping'\")")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "absent"))
    with comfyui_module.ComfyUI(tmp_path / "base", {}) as host:
        assert len([name for name in host.get("/object_info") if name.startswith("Art2Mus")]) == 16
        said = host.error(host.run(in_one_node(model="pocket")))
    assert "No module named 'jaxtyping'; expected the packages that Art2Mus needs" in said
    assert "-m pip install -r" in said
