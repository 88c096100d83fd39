"""What is told of a checkpoint before any work: configurations that contradict each other, their weights, or sense."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import torch

from art2mus_core.checkpoints.folder import read_tensors, save_tensors, weights_file
from art2mus_core.conditioning.constants import load_constants, save_constants
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.pipelines import load
from art2mus_core.pipelines.choice import Choice
from art2mus_core.pipelines.parts import open_parts


def open_prior(folder, **chosen):
    """A checkpoint with its constants, checked."""
    parts = open_parts(Choice(str(folder), **chosen))
    assert parts.constants
    parts.check()
    return parts


NAN = float("nan")


@pytest.fixture
def published(published_like, tmp_path):
    """A published-like checkpoint of the test's own."""
    return shutil.copytree(published_like, tmp_path / "published")


def change(folder, part, **fields):
    """Write other values into a configuration; an ellipsis takes a key out."""
    names = {"scheduler": "scheduler_config.json", "": "model_index.json"}
    path = folder / part / names.get(part, "config.json")
    content = {**json.loads(path.read_text(encoding="utf-8")), **fields}
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not ...}), encoding="utf-8")


def refused(folder, said):
    with pytest.raises(CheckpointError, match=said) as caught:
        open_prior(folder)
    assert all((caught.value.came, caught.value.expected, caught.value.remedy))


def tonewheel(folder, **fields):
    mel = json.loads((folder / "vocoder" / "config.json").read_text(encoding="utf-8"))["mel"]
    change(folder, "vocoder", mel={**mel, **fields})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_whole_checkpoint_is_opened_without_a_network(checkpoint, dtype):
    prior = open_prior(checkpoint, dtype=dtype)
    assert not any(map(prior.is_open, ("language_model", "unet", "autoencoder", "vocoder")))


def test_no_value_is_read_before_its_network_is_opened(published):
    path = weights_file(published, "unet")
    tensors = {key: tensor.clone() for key, tensor in read_tensors(path)[0].items()}
    tensors["conv_in.weight"][0, 0] = NAN
    save_tensors(path, tensors)
    prior = open_prior(published)
    with pytest.raises(CheckpointError, match=r"not finite in conv_in\.weight"):
        assert prior.unet


def test_heads_that_the_channels_do_not_allow_are_told_at_once(published_like):
    with pytest.raises(SettingError, match="original heads"):
        open_prior(published_like, heads="original")


@pytest.mark.parametrize("offload", [False, True])
@pytest.mark.parametrize("name", ["unet", "vae", "language_model", "vocoder", "image_encoder"])
def test_other_weights_are_told_before_any_work(own_checkpoint, name, offload):
    path = weights_file(own_checkpoint, name)
    tensors = {key: tensor.clone() for key, tensor in read_tensors(path)[0].items()}
    first = min(tensors)
    for wrong, said in (
        ({**tensors, "x": torch.ones(2)}, "has unexpected x"),
        ({key: value for key, value in tensors.items() if key != first}, f"lacks {first}"),
        ({**tensors, first: tensors[first][None]}, f"{first} of "),
        ({**tensors, first: tensors[first].to(torch.int64)}, f"{first} as int64"),
    ):
        save_tensors(path, wrong)
        with pytest.raises(CheckpointError, match=said):
            load(str(own_checkpoint), offload=offload)


@pytest.mark.parametrize("value", ["abc", 0, -0.5, NAN, True, [1]], ids=str)
def test_a_latent_scale_that_is_no_positive_number(checkpoint, tmp_path, value):
    folder = shutil.copytree(checkpoint, tmp_path / "copy")
    change(folder, "vae", scaling_factor=value)
    refused(folder, r"vae.config\.json has scaling_factor")


@pytest.mark.parametrize(
    ("part", "fields", "said"),
    [
        ("vae", {"latent_channels": 4}, "in_channels of 3; expected 4 or 44, the channels of the VAE"),
        ("vae", {"latent_channels": "3"}, r"vae.config\.json has latent_channels '3'; expected a whole number"),
        ("vae", {"block_out_channels": 3}, r"vae.config\.json has block_out_channels 3"),
        (
            "vae",
            {"block_out_channels": [4, 6, 10, 14]},
            r"vocoder.config\.json has model_in_dim 20; expected a multiple of 8",
        ),
        ("unet", {"in_channels": 5}, r"unet.config\.json describes a UNet with in_channels of 5; expected 3"),
        ("unet", {"out_channels": ...}, "out_channels of None; expected 3"),
        ("unet", {"cross_attention_dim": ...}, "a language of audio of no width; expected 10"),
        ("unet", {"cross_attention_dim": None}, "a language of audio of no width; expected 10"),
        ("unet", {"cross_attention_dim": "wide"}, "a language of audio of 'wide'; expected 10"),
        ("unet", {"cross_attention_dim": [[None, 11, 9]] * 3}, "a language of audio of 11; expected 10"),
        ("unet", {"cross_attention_dim": [[None, 10, 8]] * 3}, "texts of 8; expected 9"),
        ("unet", {"attention_head_dim": "x"}, "describes a UNet with attention_head_dim 'x'"),
        ("language_model", {"n_embd": "x"}, r"language_model.config\.json has n_embd 'x'"),
        ("language_model", {"n_head": 3}, "a GPT-2 of width 10 with 3 heads"),
        ("vocoder", {"sampling_rate": "16k"}, r"vocoder.config\.json has sampling_rate '16k'"),
        ("vocoder", {"sampling_rate": True}, "has sampling_rate True"),
        ("vocoder", {"upsample_rates": [5, "4"]}, r"has upsample_rates \[5, '4'\]"),
        ("vocoder", {"model_in_dim": 18}, r"vocoder.config\.json has model_in_dim 18; expected a multiple of 4"),
        ("vocoder", {"model_in_dim": 24}, r"conv_pre\.weight of \[12, 20, 7\] for \[12, 24, 7\]"),
        ("vocoder", {"model_type": ["hifigan"]}, r"a vocoder \['hifigan'\]"),
        ("vocoder", {"model_type": ...}, "a vocoder None"),
        ("scheduler", {"beta_schedule": "cosine-ish"}, "noise levels .*cosine-ish"),
        ("scheduler", {"beta_start": None}, "noise levels"),
        ("scheduler", {"beta_start": NAN}, "noise levels"),
        (
            "scheduler",
            {"beta_end": 1.0, "beta_schedule": "linear"},
            r"scheduler.scheduler_config\.json describes a scheduler without usable noise levels",
        ),
        ("scheduler", {"num_train_timesteps": "1000"}, "noise levels .num_train_timesteps '1000'"),
        ("scheduler", {"num_train_timesteps": 0}, "noise levels .num_train_timesteps 0"),
        ("scheduler", {"prediction_type": "sample"}, r"scheduler_config\.json describes .*prediction_type 'sample'"),
        ("scheduler", {"rescale_betas_zero_snr": True}, r"scheduler_config\.json describes .*rescale_betas"),
        ("scheduler", {"num_train_timesteps": 2}, r"defaults that cannot be used \(3 steps; expected 1 to 2"),
        ("", {"art2mus": {"steps": "x"}}, "defaults that cannot be used"),
        ("", {"art2mus": {"steps": 0}}, "defaults that cannot be used .steps 0"),
        ("", {"art2mus": {"steps": 2000}}, "defaults that cannot be used .steps 2000"),
        ("", {"art2mus": {"seconds": NAN}}, "defaults that cannot be used .seconds nan"),
        ("", {"art2mus": {"solver": "euler"}}, "defaults that cannot be used .no solver 'euler'"),
        ("", {"art2mus": [3]}, "defaults that cannot be used"),
    ],
    ids=str,
)
def test_a_configuration_that_fits_nothing_is_told_at_once(published, part, fields, said):
    change(published, part, **fields)
    refused(published, said)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("windows", []),
        ("windows", ["512"]),
        ("scale", "bark"),
        ("lowest", "C2"),
        ("floor", None),
        ("floor", 0),
        ("hop", 0),
    ],
    ids=str,
)
def test_a_mel_that_is_none(own_checkpoint, field, value):
    tonewheel(own_checkpoint, **{field: value})
    refused(own_checkpoint, rf"vocoder.config\.json has mel\.{field} ")


def test_a_mel_with_what_nobody_knows(own_checkpoint):
    tonewheel(own_checkpoint, window=512)
    refused(own_checkpoint, r"has mel .*'window': 512.*; expected an object with sample_rate")


def test_text_constants_of_another_width(published):
    held = load_constants(published, language=8, width=10)
    texts = {"text": torch.zeros(1, 6, 7), "unconditional_text": torch.zeros(1, 4, 7)}
    save_constants(published, replace(held, **texts))
    refused(published, "texts of 9; expected 7, the width of the text constants")
