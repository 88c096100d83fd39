"""A file that was overwritten under its name is read again, and nothing is read again without reason."""

from __future__ import annotations

import os
import shutil

import pytest

from ..art2music_checkpoint import write_art2music

INSTALLED = {"model": "mine", "encoder": "mine", "aligner": "own"}


@pytest.fixture(scope="module")
def commented(tmp_path_factory):
    return write_art2music(tmp_path_factory.mktemp("art2music"))


@pytest.fixture
def installed(host_folders, pocket_like, commented, monkeypatch):
    """A checkpoint `mine`, an aligner `own` in a folder of its own, a checkpoint `told` that reads comments, a picture."""
    monkeypatch.setenv("ART2MUS_HOME", str(host_folders / "home"))
    root = host_folders / "models" / "art2mus"
    shutil.copytree(pocket_like, root / "mine")
    (root / "mine" / "unet").rename(host_folders / "elsewhere")
    (root / "mine" / "unet").symlink_to(host_folders / "elsewhere", target_is_directory=True)
    shutil.copytree(commented, root / "told")
    (root / "own").mkdir()
    shutil.copy(root / "mine/aligner/model.safetensors", root / "own/own.safetensors")
    shutil.copytree(root / "mine/image_encoder", root / "clip")
    (root / "clip" / "config.json").write_text('{"model_type": "clip"}')
    (host_folders / "input" / "shown").mkdir()
    (host_folders / "input" / "shown" / "a.png").write_bytes(b"a picture")
    shutil.copy(host_folders / "input/shown/a.png", host_folders / "input/a.png")
    return host_folders


UNET, CONSTANTS = "mine/unet/diffusion_pytorch_model.safetensors", "mine/constants/model.safetensors"
EYES, EARS, OWN = (f"mine/{part}/model.safetensors" for part in ("image_encoder", "audio_encoder", "aligner"))
CLIP, SINGLE, FUSION = "clip/model.safetensors", "own/own.safetensors", "told/fusion/model.safetensors"
MODELS = [UNET, CONSTANTS, EYES, EARS, OWN, CLIP, SINGLE, FUSION]
PICTURE, SHOWN = "../../input/a.png", "../../input/shown/a.png"

CASES = {
    "model": ("LoadModel", {"model": "mine"}, [UNET, CONSTANTS]),
    "encoder": ("VisualConditioningExtractor", {"encoder": "mine", "image": None}, [EYES]),
    "clip": ("VisualConditioningExtractor", {"encoder": "clip", "image": None}, [CLIP]),
    "own aligner": ("ImageAligner", {"aligner": "model", "language": None}, [OWN]),
    "aligner": ("ImageAligner", {"aligner": "own", "language": None}, [SINGLE]),
    "in one": ("ArtworkToMusic", {"model": "mine", "image": ["1", 0]}, [UNET, CONSTANTS, EYES, CLIP, OWN]),
    "in one, chosen": ("ArtworkToMusic", INSTALLED | {"image": ["1", 0]}, [UNET, CONSTANTS, EYES, SINGLE]),
    "score": ("ScoreMusic", {"encoder": "mine", "audio": None}, [EYES, EARS]),
    "comments": ("Art2Music", {"model": "told", "seed": 1}, [FUSION]),
    "comments, inner": ("OpenArt2Music", {"model": "told"}, [FUSION]),
    "artwork": ("LoadArtwork", {"artwork": "a.png"}, [PICTURE]),
    "folder": ("ArtworkFolder", {"folder": "input/shown", "start": 1, "count": 1}, [SHOWN]),
}


@pytest.mark.parametrize(("kind", "inputs", "read"), CASES.values(), ids=CASES)
def test_the_fingerprint_changes_with_the_files_that_are_read_and_no_others(nodes, installed, kind, inputs, read):
    node, root = nodes[f"Art2Mus{kind}"], installed / "models" / "art2mus"
    linked = {name: None if name in {*INSTALLED, "artwork", "folder"} else value for name, value in inputs.items()}
    before, of_any = node.fingerprint_inputs(**inputs), node.fingerprint_inputs(**linked)
    for name in [*MODELS, PICTURE, SHOWN]:
        path = root / name
        path.write_bytes(path.read_bytes()[::-1])
        os.utime(path, ns=(1, 1))  # also where the clock of the disk is coarse
        after, any_after = node.fingerprint_inputs(**inputs), node.fingerprint_inputs(**linked)
        assert (after != before) == (name in read), name
        assert any_after != of_any or name not in read, name
        assert (after, any_after) == (node.fingerprint_inputs(**inputs), node.fingerprint_inputs(**linked))
        before, of_any = after, any_after
    for name in read:
        (root / name).unlink()
        assert node.fingerprint_inputs(**inputs) != before
    shutil.rmtree(root)
    assert node.fingerprint_inputs(**inputs) != before
    node.fingerprint_inputs(**linked)


def test_every_node_that_chooses_a_file_by_its_name_has_a_fingerprint(nodes):
    chosen = {*INSTALLED, "artwork", "folder"}
    reading = {
        name
        for name, node in nodes.items()
        if chosen & {each.id for each in node.GET_SCHEMA().inputs if hasattr(each, "options")}
    }
    assert reading - {"Art2MusDownloadModel"} == {f"Art2Mus{kind}" for kind, *_ in CASES.values()}
    assert all("fingerprint_inputs" in vars(nodes[name]) for name in reading)
