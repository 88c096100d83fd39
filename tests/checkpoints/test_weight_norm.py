from __future__ import annotations

import json
import shutil

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from transformers.models.speecht5.modeling_speecht5 import SpeechT5HifiGan

from art2mus_core.checkpoints.folder import load_component, save_component
from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.checkpoints.tensors import read_tensors, save_tensors
from art2mus_core.decoders.vocoders import check_vocoder, load_vocoder
from art2mus_core.errors import CheckpointError

PUBLISHED = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
"""Names since torch 2, and those of HiFi-GAN's own files."""


@pytest.fixture
def normed(published_like, tmp_path):
    """A checkpoint whose vocoder transformers saved with weight norm applied."""
    folder = shutil.copytree(published_like, tmp_path / "normed")
    vocoder = SpeechT5HifiGan.from_pretrained(folder / "vocoder").float()
    vocoder.apply_weight_norm()
    config = (folder / "vocoder" / "config.json").read_text(encoding="utf-8")
    vocoder.save_pretrained(folder / "vocoder")
    saved = json.loads((folder / "vocoder" / "config.json").read_text(encoding="utf-8"))
    assert saved["upsample_rates"] == json.loads(config)["upsample_rates"]
    return folder


def weights(folder):
    return folder / "vocoder" / "model.safetensors"


def rewrite(folder, change):
    tensors, _ = read_tensors(weights(folder))
    save_tensors(weights(folder), change(tensors))


def published_names(tensors):
    renamed = {}
    for key, tensor in tensors.items():
        for new, old in PUBLISHED.items():
            key = key.replace(new, old)  # noqa: PLW2901
        renamed[key] = tensor
    assert sum(key.endswith("weight_g") for key in renamed) > 3
    return renamed


@pytest.mark.parametrize("change", [dict, published_names])
def test_a_vocoder_saved_with_weight_norm_sounds_as_without(normed, published_like, change):
    rewrite(normed, change)
    grid = read_grid(normed)
    check_vocoder(normed)
    mel = torch.randn(1, 17, grid.mel_bins)
    plain, joined = (load_vocoder(folder, grid).network for folder in (published_like, normed))
    for key, weight in plain.state_dict().items():
        torch.testing.assert_close(joined.state_dict()[key], weight, rtol=1e-5, atol=1e-8)
    torch.testing.assert_close(joined(mel), plain(mel), rtol=1e-4, atol=1e-6)


def test_half_precision_halves_are_put_together_in_float32(normed, published_like):
    rewrite(normed, lambda tensors: {key: tensor.half() for key, tensor in tensors.items()})
    grid = read_grid(normed)
    joined, plain = (load_vocoder(folder, grid).network.conv_pre.weight for folder in (normed, published_like))
    assert joined.dtype == torch.float32
    torch.testing.assert_close(joined, plain, rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("dim", [0, 1, 2, None])
@pytest.mark.parametrize("channels", [1, 5])
def test_whichever_axis_has_the_lengths(tmp_path, dim, channels):
    layer = nn.Conv1d(3, channels, 7)
    normed = weight_norm(nn.Conv1d(3, channels, 7), dim=dim)
    with torch.no_grad():
        normed.parametrizations.weight.original0.mul_(1.7)
    save_component(tmp_path, "part", normed, {}, half=False)
    loaded = load_component(tmp_path, "part", lambda _: nn.Conv1d(3, channels, 7))
    torch.testing.assert_close(loaded.weight, normed.weight, rtol=1e-6, atol=1e-8)
    assert layer.weight.shape == loaded.weight.shape


def test_a_network_that_has_weight_norm_itself_keeps_it(tmp_path):
    def build(_):
        return weight_norm(nn.Conv1d(3, 5, 7))

    normed = build({})
    save_component(tmp_path, "part", normed, {}, half=False)
    assert torch.equal(load_component(tmp_path, "part", build).weight, normed.weight)


def without_direction(tensors):
    return {key: tensor for key, tensor in tensors.items() if key != "conv_pre.parametrizations.weight.original1"}


def beside_the_weight(tensors):
    return {**tensors, "conv_pre.weight": tensors["conv_pre.parametrizations.weight.original1"].clone()}


def of_another_shape(tensors):
    key = "conv_pre.parametrizations.weight.original0"
    return {**tensors, key: tensors[key][:-1]}


def in_both_ways(tensors):
    return {**tensors, **{key: tensor.clone() for key, tensor in published_names(tensors).items()}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_direction, r"conv_pre\.parametrizations\.weight\.original0.*weight norm"),
        (beside_the_weight, r"contains conv_pre\.weight, conv_pre\.param.*weight norm"),
        (of_another_shape, r"for weight norm a length conv_pre\S+ of \[11, 1, 1\]"),
        (in_both_ways, r"weight norm"),
    ],
)
def test_halves_that_make_no_weight_are_refused_by_name(normed, change, words):
    rewrite(normed, change)
    with pytest.raises(CheckpointError, match=words):
        check_vocoder(normed)
    with pytest.raises(CheckpointError, match=words):
        load_vocoder(normed, read_grid(normed))


def test_a_direction_without_length_is_refused_as_not_finite(normed):
    key = "conv_pre.parametrizations.weight.original1"
    rewrite(normed, lambda tensors: {**tensors, key: torch.zeros_like(tensors[key])})
    with pytest.raises(CheckpointError, match=r"not finite in conv_pre\.weight"):
        load_vocoder(normed, read_grid(normed))
