"""What may not be loaded, as real files: each is an error with three parts, and names what is wrong."""

from __future__ import annotations

import json
import pickle
import shutil
import threading
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from art2mus_core.checkpoints.folder import load_component, read_config, read_tensors, save_tensors, weights_file
from art2mus_core.checkpoints.strict import fill
from art2mus_core.diffusion.denoiser import build_unet
from art2mus_core.errors import CheckpointError
from art2mus_core.networks.autoencoder import Autoencoder

BUILDERS = {"unet": build_unet, "vae": Autoencoder}
KEY = "conv_in.weight"


@pytest.fixture
def own(published_like, tmp_path):
    """The UNet and the VAE of a published folder, to be damaged."""
    for name in BUILDERS:
        shutil.copytree(published_like / name, tmp_path / name)
    return tmp_path


def refused(folder, name="unet", *, dtype=torch.float32, match):
    with pytest.raises(CheckpointError, match=match) as caught:
        load_component(folder, name, BUILDERS[name], dtype=dtype)
    assert caught.value.came
    assert caught.value.expected
    assert caught.value.remedy


def change(folder, name="unet", **tensors):
    """Put other tensors under some keys (`__` stands for a dot)."""
    path = weights_file(folder, name)
    stored = {key: tensor.clone() for key, tensor in read_tensors(path)[0].items()}
    save_tensors(path, stored | {key.replace("__", "."): tensor for key, tensor in tensors.items()})


def kernel(folder):
    return read_tensors(weights_file(folder, "unet"))[0][KEY].clone()


def torch_saved(path):
    torch.save({KEY: torch.zeros(3)}, path)


def torch_saved_long_ago(path):
    torch.save({KEY: torch.zeros(3)}, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes() + b"more"), "is damaged"),
        (lambda path: path.write_bytes(b"\xff" * 999), "is damaged"),
        (lambda path: path.write_bytes(pickle.dumps({"weights": [0.5]})), "is a pickle"),
        (torch_saved, "is a pickle"),
        (torch_saved_long_ago, "is a pickle"),
        (lambda path: path.write_text("<!DOCTYPE html><title>Sign in</title>", encoding="ascii"), "is a web page"),
        (
            lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid x\n", encoding="ascii"),
            "only points to a file",
        ),
    ],
    ids=["empty", "last byte", "cut", "longer", "noise", "pickle", "torch.save", "old torch.save", "page", "pointer"],
)
def test_a_file_that_is_no_whole_safetensors(own, write, said):
    path = weights_file(own, "unet")
    write(path)
    refused(own, match=rf"{path.name} {said}.*; expected a whole safetensors file")


def test_a_whole_file_may_begin_like_anything(tmp_path):
    path = tmp_path / "x.safetensors"
    for length in (ord("<"), 0x80):
        content = b'{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(length)
        path.write_bytes(len(content).to_bytes(8, "little") + content + b"\0" * 4)
        assert path.read_bytes()[0] == length
        assert read_tensors(path)[0]["x"].tolist() == [0.0]


def test_weights_of_another_architecture(own):
    shutil.copy(weights_file(own, "vae"), weights_file(own, "unet"))
    refused(own, match=r"lacks conv_in\.bias.* and \d+ more and has unexpected decoder\..* and \d+ more")


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.int8, torch.int64, torch.bool])
def test_weights_that_are_quantised_or_no_floats(own, dtype):
    change(own, conv_in__weight=kernel(own).to(dtype))
    refused(own, match=rf"conv_in\.weight as {str(dtype).removeprefix('torch.')};.*float32, float16 or bfloat16")


def test_floats_where_the_network_counts(tmp_path):
    with torch.device("meta"):
        counting = nn.BatchNorm1d(3)
    tensors = nn.BatchNorm1d(3).state_dict()
    assert fill(counting, tensors, tmp_path, lambda: nn.BatchNorm1d(3), dtype=torch.float32).num_batches_tracked == 0
    tensors["num_batches_tracked"] = torch.tensor(1.5)
    with pytest.raises(CheckpointError, match="num_batches_tracked as float32"):
        fill(nn.BatchNorm1d(3), tensors, tmp_path, lambda: nn.BatchNorm1d(3), dtype=torch.float32)


@pytest.mark.parametrize("stored", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_every_float_is_converted(own, stored):
    values = kernel(own)
    change(own, conv_in__weight=values.to(stored))
    loaded = load_component(own, "unet", build_unet).conv_in.weight
    assert loaded.dtype == torch.float32
    assert torch.equal(loaded, values.to(stored).float())


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (float("nan"), torch.float32),
        (float("inf"), torch.bfloat16),
        (-float("inf"), torch.float16),
        (float("nan"), torch.float64),
    ],
    ids=str,
)
def test_one_value_that_is_not_finite(own, value, dtype):
    spoilt = kernel(own).to(dtype)
    spoilt.view(-1)[-1] = value
    change(own, conv_in__weight=spoilt)
    for wanted in (torch.float32, torch.bfloat16):
        refused(own, dtype=wanted, match=r"values that are not finite in conv_in\.weight")


def test_a_value_too_large_for_the_precision_is_no_damage(own):
    change(own, conv_in__weight=kernel(own).float() + 1e5)
    refused(own, dtype=torch.float16, match=r"too large for float16 in conv_in\.weight.*bfloat16")
    assert load_component(own, "unet", build_unet, dtype=torch.bfloat16).conv_in.weight.dtype == torch.bfloat16


def test_an_empty_tensor_is_finite(tmp_path):
    class Nothing(nn.Module):
        def __init__(self):
            super().__init__()
            self.x = nn.Parameter(torch.zeros(0, 3))

    fill(Nothing(), {"x": torch.zeros(0, 3)}, tmp_path, Nothing, dtype=torch.float32)


@pytest.mark.parametrize("name", list(BUILDERS))
def test_a_component_that_is_not_there(own, name):
    shutil.rmtree(own / name)
    refused(own, name, match=rf"has no {name}; expected a folder {name} with")


def test_a_component_of_which_only_a_pickle_was_fetched(own):
    path = weights_file(own, "unet")
    torch.save(read_tensors(path)[0], path.with_suffix(".bin"))
    path.unlink()
    refused(own, match=r"only as a pickle, diffusion_pytorch_model\.bin.*safetensors")


def rewrite(folder, name, content):
    (folder / name / "config.json").write_text(content, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("unet", {"block_out_channels": [6, 10, 16]}, r"for \[16"),
        ("unet", {"layers_per_block": 2}, r"lacks down_blocks\.0\.resnets\.1"),
        ("unet", {"cross_attention_dim": [[None, 11, 9]] * 3}, r"attn2\.to_k\.weight of \[10, 10\] for \[10, 11\]"),
        ("unet", {"cross_attention_dim": [[10]] * 3}, "has unexpected"),
        ("vae", {"latent_channels": 4}, r"of \[3, 3, 1, 1\] for \[4, 4, 1, 1\]"),
    ],
    ids=str,
)
def test_a_configuration_that_contradicts_its_weights(own, name, changed, said):
    rewrite(own, name, json.dumps(read_config(own, name) | changed))
    refused(own, name, match=said)


@pytest.mark.parametrize(
    "changed",
    [
        {"down_block_types": ["Attention"] * 3},
        {"block_out_channels": [-6, 10, 14]},
        {"block_out_channels": [6, 10]},
        {"block_out_channels": "wide"},
        {"attention_head_dim": 0},
        {"norm_num_groups": 0},
        {"cross_attention_dim": None},
    ],
    ids=str,
)
def test_a_configuration_that_describes_no_network(own, changed):
    rewrite(own, "unet", json.dumps(read_config(own, "unet") | changed))
    refused(own, match=r"config\.json (cannot be used|describes a UNet)")


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", "<html>", "NaN", "\ufeff{}"])
def test_a_configuration_that_is_no_json_object(own, content):
    rewrite(own, "unet", content)
    refused(own, match=r"config\.json (cannot be read|does not contain a JSON object)")


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="measures as Linux allows")
def test_looking_for_broken_values_allocates_nothing_of_a_tensors_size(tmp_path):
    tensors = {"weight": torch.ones(30_000_000, 1), "bias": torch.zeros(30_000_000)}
    with torch.device("meta"):
        network = nn.Linear(1, 30_000_000)
    page, peak, done = 4096, [0], threading.Event()

    def watch():
        while not done.is_set():
            peak[0] = max(peak[0], int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * page)
            time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    before = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * page
    watcher.start()
    try:
        fill(network, tensors, tmp_path, lambda: network, dtype=torch.float32)
    finally:
        done.set()
        watcher.join()
    assert peak[0] - before < 60_000_000, "half of one of the two tensors"
