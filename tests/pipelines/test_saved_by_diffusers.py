"""A checkpoint that diffusers' own pipeline saved again, in one precision or in two, is the same checkpoint."""

from __future__ import annotations

import copy

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2UNet2DConditionModel
from diffusers.pipelines.audioldm2.pipeline_audioldm2 import AudioLDM2Pipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from safetensors.torch import load_file
from transformers import ClapFeatureExtractor
from transformers.models.speecht5.modeling_speecht5 import SpeechT5HifiGan

from art2mus_core.errors import CheckpointError
from art2mus_core.pipelines.choice import Choice
from art2mus_core.pipelines.parts import open_parts

TEXT_WIDTH = 9
HALVES = ("unet", "language_model")


@pytest.fixture(scope="module")
def pipeline(talking_like, talking):
    """Of halved weights, so that a copy in float16 loses nothing."""
    pipeline = AudioLDM2Pipeline(
        **copy.deepcopy(vars(talking)),
        vae=AutoencoderKL.from_pretrained(talking_like / "vae"),
        unet=AudioLDM2UNet2DConditionModel.from_pretrained(talking_like / "unet"),
        vocoder=SpeechT5HifiGan.from_pretrained(talking_like / "vocoder"),
        scheduler=DDIMScheduler.from_pretrained(talking_like / "scheduler"),
        feature_extractor=ClapFeatureExtractor(),
    )
    return pipeline.to(dtype=torch.float16).to(dtype=torch.float32)


def in_float16(pipeline, folder):
    pipeline.to(dtype=torch.float16).save_pretrained(folder)


def as_a_variant(pipeline, folder):
    pipeline.to(dtype=torch.float16).save_pretrained(folder, variant="fp16")


def in_two_precisions(pipeline, folder):
    pipeline.to(dtype=torch.float32)
    for name in HALVES:
        getattr(pipeline, name).half()
    pipeline.save_pretrained(folder)
    stored = {name: next((folder / name).glob("*.safetensors")) for name in (*HALVES, "vae", "vocoder")}
    precisions = {name: {tensor.dtype for tensor in load_file(path).values()} for name, path in stored.items()}
    assert precisions["unet"] == {torch.float16}
    assert precisions["vae"] == {torch.float32}


@pytest.mark.parametrize("save", [in_float16, as_a_variant, in_two_precisions])
def test_what_diffusers_saves_is_read_whole_and_in_the_chosen_precision(pipeline, tmp_path, save):
    save(pipeline, tmp_path / "saved")
    pipeline.to(dtype=torch.float32)
    networks = open_parts(Choice(str(tmp_path / "saved")))
    networks.check_texts([TEXT_WIDTH])
    networks.check()
    others = {
        "language_model": pipeline.language_model.transformer,
        "unet": pipeline.unet,
        "autoencoder": pipeline.vae,
        "vocoder": pipeline.vocoder,
    }
    for name, other in others.items():
        expected = other.state_dict()
        weights = getattr(networks, name).state_dict()
        assert len(weights) > 10
        for key, weight in weights.items():
            assert weight.dtype == torch.float32
            assert torch.equal(weight, expected[key.removeprefix("vae." if name == "autoencoder" else "network.")])


def test_weights_in_pieces_are_refused_by_name(pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path / "saved", max_shard_size="20KB")
    with pytest.raises(CheckpointError, match=r"in \d+ pieces, diffusion_pytorch_model-00001-of.*max_shard_size"):
        open_parts(Choice(str(tmp_path / "saved"))).check()
