"""Which parts are put together, and what is told of those that do not belong together."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from art2mus_core.aligners.files import save_aligner
from art2mus_core.aligners.projection import ProjectionAligner
from art2mus_core.aligners.visual import VisualAligner
from art2mus_core.checkpoints.folder import save_component
from art2mus_core.checkpoints.lora import Lora, denoiser_fingerprint, save_lora
from art2mus_core.conditioning.language import fingerprint
from art2mus_core.conditioning.plan import PlanModel
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.pipelines.choice import Choice
from art2mus_core.pipelines.parts import open_parts


def assemble(folder, **chosen):
    """All that turns artworks into music."""
    parts = open_parts(Choice(str(folder), **chosen))
    parts.check_artworks()
    return parts


@pytest.fixture
def home(tmp_path, monkeypatch, pocket_like, write_imagebind):
    """A home with a checkpoint that has an encoder of its own, another encoder, and aligners for each."""
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path))
    shutil.copytree(pocket_like, tmp_path / "prior")
    write_imagebind(tmp_path / "imagebind", dim=11)
    for name, dim, width in (("fitting", 11, 10), ("wide", 11, 12)):
        aligner = VisualAligner(dim=dim, hidden=13, tokens=4, width=width, space="imagebind")
        save_aligner(tmp_path / name / f"{name}.safetensors", aligner, licence="CC0-1.0", run="none", half=True)
    return tmp_path


def publish(path, **recorded):
    """A projection as wide as the tiny ImageBind and the tiny language model, with the record of its training."""
    aligner = ProjectionAligner(dim=11, hidden=13, tokens=1, width=10, space="imagebind")
    save_aligner(path, aligner, licence="CC0-1.0", run="none", half=True, **recorded)


def test_the_encoder_is_the_one_whose_space_the_aligner_reads(home, pocket_like):
    prior = home / "prior"
    assert assemble(prior).encoder_folder == prior
    assert assemble(prior, aligner="fitting").encoder_folder == home / "imagebind"
    shutil.copytree(pocket_like / "image_encoder", home / "tiny" / "image_encoder")
    assert assemble(prior, encoder="tiny").encoder_folder == home / "tiny"


def test_an_aligner_of_another_model_fails_on_the_width_and_not_on_the_encoder(home):
    with pytest.raises(CheckpointError, match=r"which is 12 wide; expected .* 10 wide"):
        assemble(home / "prior", aligner="wide")


def test_an_aligner_of_another_language_model_is_refused_by_its_fingerprint(home, talking_like):
    ours, theirs = fingerprint(home / "prior"), fingerprint(talking_like)
    assert ours != theirs
    publish(home / "ours.safetensors", language=ours)
    assert assemble(home / "prior", aligner=str(home / "ours.safetensors")).aligner.tokens == 1
    publish(home / "theirs.safetensors", language=theirs)
    with pytest.raises(CheckpointError, match=f"the fingerprint {theirs}; expected .* {ours}"):
        assemble(home / "prior", aligner=str(home / "theirs.safetensors"))


def test_a_lora_of_another_denoiser_is_refused_before_a_network_is_loaded(pocket_like, published_like, tmp_path):
    path, layer = tmp_path / "mine.safetensors", "conv_in.lora_"
    weights = {f"{layer}A.weight": torch.ones(2, 43, 3, 3), f"{layer}B.weight": torch.ones(6, 2, 1, 1)}
    save_lora(
        path,
        weights,
        alpha=1.0,
        prior=pocket_like.name,
        denoiser=denoiser_fingerprint(pocket_like),
        licence="CC0-1.0",
        run="none",
    )
    own, other = (open_parts(Choice(str(folder), lora=Lora(path))) for folder in (pocket_like, published_like))
    own.check()
    with pytest.raises(CheckpointError, match="was trained for the denoiser of pocket-like0 with the fingerprint"):
        other.check()
    assert not other.is_open("unet")


def test_an_aligner_without_a_fingerprint_is_refused_by_the_name_of_its_prior(home):
    publish(home / "published.safetensors", prior="audioldm2")
    published = str(home / "published.safetensors")
    (home / "prior").rename(home / "audioldm2")
    assert assemble(home / "audioldm2", aligner=published).aligner.tokens == 1
    (home / "audioldm2").rename(home / "audioldm2-large")
    with pytest.raises(
        CheckpointError, match="language model of audioldm2; expected an aligner for that of audioldm2-l"
    ):
        assemble(home / "audioldm2-large", aligner=published)


def test_an_encoder_that_is_not_here_is_told_with_the_aligner_that_wants_it(home):
    shutil.rmtree(home / "imagebind")
    with pytest.raises(
        SettingError,
        match=r"aligner fitting\.safetensors was trained with the encoder 'imagebind'.*prior has .*'tiny'.*fetch",
    ):
        assemble(home / "prior", aligner="fitting")
    with pytest.raises(CheckpointError, match="with the space 'imagebind'"):
        assemble(home / "prior", aligner="fitting", encoder=str(home / "prior"))


def test_a_model_that_lost_its_image_encoder_is_told(home):
    shutil.rmtree(home / "prior" / "image_encoder")
    with pytest.raises(SettingError, match=r"'tiny', which is not installed, and prior has no image encoder;"):
        assemble(home / "prior")


def test_a_model_whose_image_encoder_lost_its_configuration_does_not_take_another(home, pocket_like):
    shutil.copytree(pocket_like, home / "tiny")
    (home / "prior" / "image_encoder" / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"image_encoder.config\.json is missing; expected a whole checkpoint"):
        assemble(home / "prior")
    assert assemble(home / "prior", encoder="tiny").encoder_folder == home / "tiny"


@pytest.mark.parametrize("size", ["x", 0])
def test_an_encoder_that_cannot_see_is_told_before_anything_is_opened(home, size):
    path = home / "prior" / "image_encoder" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "size": size}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=f"size {size!r}; expected a whole number above"):
        assemble(home / "prior")


def test_another_encoders_weights_are_told_before_anything_is_opened(home):
    config = home / "imagebind" / "image_encoder" / "config.json"
    said = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps({**said, "hidden": 14}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"of \[13"):
        assemble(home / "prior", aligner="fitting")


def test_a_plan_needs_a_plan_model(own_checkpoint):
    shutil.rmtree(own_checkpoint / "plan_model")
    with pytest.raises(CheckpointError, match="plan_model"):
        assemble(own_checkpoint).check()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"spread": "x"}, "spread 'x'"),
        ({"spread": 1e400}, "spread inf"),
        ({"spread": -1}, "spread -1"),
        ({"bands": ["a"] * 9}, "at most 8"),
        ({"bands": 3}, "bands 3"),
    ],
)
def test_a_plan_model_that_cannot_be_is_refused(own_checkpoint, change, told):
    path = own_checkpoint / "plan_model" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=told):
        assemble(own_checkpoint).check()


def test_a_plan_model_of_another_language_is_refused(own_checkpoint):
    other = PlanModel(4, 20, 0.1, [])
    save_component(own_checkpoint, "plan_model", other, other.config, half=False)
    with pytest.raises(CheckpointError, match=r"\(4, 20\) in .*; expected \(8, 10\)"):
        assemble(own_checkpoint).check()
