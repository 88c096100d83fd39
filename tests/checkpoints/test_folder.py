from __future__ import annotations

import pytest
import torch
from torch import nn

from art2mus_core.checkpoints.folder import (
    load_component,
    read_config,
    read_tensors,
    save_component,
    save_tensors,
    weights_file,
)
from art2mus_core.errors import CheckpointError

SIZES = {"inputs": 3, "outputs": 7}


class Masked(nn.Module):
    """A layer with a buffer in its state and one outside of it, as attention masks are."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.layer = nn.Linear(inputs, outputs)
        self.register_buffer("count", torch.tensor(5))
        self.register_buffer("mask", torch.arange(outputs), persistent=False)


def build(config):
    return Masked(**config)


@pytest.fixture
def folder(tmp_path):
    save_component(tmp_path, "part", Masked(**SIZES), SIZES, half=False)
    return tmp_path


def test_what_is_saved_is_loaded(tmp_path):
    network = Masked(**SIZES)
    save_component(tmp_path, "part", network, SIZES, half=False)
    loaded = load_component(tmp_path, "part", build)
    assert torch.equal(loaded.layer.weight, network.layer.weight)
    assert loaded.count == 5
    assert not loaded.training
    assert not loaded.layer.weight.requires_grad


def test_buffers_outside_the_state_are_rebuilt(folder):
    assert load_component(folder, "part", build).mask.tolist() == list(range(7))


def test_half_precision_is_stored_and_undone(tmp_path):
    network = Masked(**SIZES)
    save_component(tmp_path, "part", network, SIZES, half=True)
    stored, _ = read_tensors(weights_file(tmp_path, "part"))
    assert stored["layer.weight"].dtype == torch.float16
    assert stored["count"].dtype == torch.int64
    loaded = load_component(tmp_path, "part", build)
    assert torch.equal(loaded.layer.weight, network.layer.weight.half().float())


def test_weights_are_converted_to_the_wanted_precision(folder):
    loaded = load_component(folder, "part", build, dtype=torch.bfloat16)
    assert loaded.layer.weight.dtype == torch.bfloat16
    assert loaded.count.dtype == torch.int64


def test_saving_leaves_nothing_but_the_files(folder):
    assert sorted(path.name for path in (folder / "part").iterdir()) == ["config.json", "model.safetensors"]


def test_diffusers_components_have_their_own_file_name(tmp_path):
    assert weights_file(tmp_path, "unet").name == weights_file(tmp_path, "vae").name
    assert weights_file(tmp_path, "unet").name == "diffusion_pytorch_model.safetensors"


def test_the_header_is_read_back(tmp_path):
    save_tensors(tmp_path / "x.safetensors", {"x": torch.ones(2)}, metadata={"kind": "visual"})
    assert read_tensors(tmp_path / "x.safetensors")[1]["kind"] == "visual"


def test_equal_tensors_and_strings_are_equal_files(tmp_path):
    strings = {
        "kind": "visual",
        "space": "imagebind",
        "titre": 'L\'été\n"à\u007f" \x01',
        "width": "7",
        "a": "\N{ARTIST PALETTE}",
    }
    tensors = {"y": torch.arange(3), "x": torch.ones(2)}
    for number in range(12):
        save_tensors(
            tmp_path / f"{number}.safetensors", tensors, metadata=dict(sorted(strings.items(), reverse=number % 2))
        )
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
    read, header = read_tensors(tmp_path / "0.safetensors")
    assert torch.equal(read["y"], tensors["y"])
    assert header == {"format": "pt", **strings}


def damage(folder, change):
    path = weights_file(folder, "part")
    tensors, _ = read_tensors(path)
    change(tensors)
    save_tensors(path, {key: tensor.clone() for key, tensor in tensors.items()})


def test_missing_and_surplus_keys_are_named(folder):
    def change(tensors):
        tensors["other.weight"] = tensors.pop("layer.weight")

    damage(folder, change)
    with pytest.raises(CheckpointError, match=r"lacks layer\.weight and has unexpected other\.weight"):
        load_component(folder, "part", build)


def test_only_five_keys_are_named(folder):
    damage(folder, lambda tensors: tensors.update({f"x{index}": torch.zeros(1) for index in range(8)}))
    with pytest.raises(CheckpointError, match="x0, x1, x2, x3, x4 and 3 more"):
        load_component(folder, "part", build)


def test_keys_that_are_not_wanted_may_be_there(folder):
    damage(folder, lambda tensors: tensors.update(old=torch.zeros(1)))
    assert load_component(folder, "part", build, unused=lambda key: key == "old").count == 5


def test_a_wrong_shape_is_named(folder):
    damage(folder, lambda tensors: tensors.update({"layer.weight": tensors["layer.weight"].T}))
    with pytest.raises(CheckpointError, match=r"layer\.weight of \[3, 7\] for \[7, 3\]"):
        load_component(folder, "part", build)


def test_values_that_are_not_finite_are_refused(folder):
    damage(folder, lambda tensors: tensors["layer.bias"].fill_(float("nan")))
    with pytest.raises(CheckpointError, match=r"not finite in layer\.bias"):
        load_component(folder, "part", build)


@pytest.mark.parametrize("length", [5, 60, 180])
def test_a_truncated_file_is_damaged(folder, length):
    path = weights_file(folder, "part")
    content = path.read_bytes()
    assert length < len(content)
    path.write_bytes(content[:length])
    with pytest.raises(CheckpointError, match="damaged"):
        load_component(folder, "part", build)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / "part" / name).unlink()
    with pytest.raises(CheckpointError, match=rf"{name} is missing"):
        load_component(folder, "part", build)


@pytest.mark.parametrize("content", ["", "{", "[1]", "\udcff", "[" * 100_000])
def test_a_configuration_that_is_no_json_object_is_refused(folder, content):
    (folder / "part" / "config.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(CheckpointError):
        read_config(folder, "part")


def test_a_configuration_of_something_else_is_refused(folder):
    (folder / "part" / "config.json").write_text('{"inputs": 3}', encoding="utf-8")
    with pytest.raises(CheckpointError, match="cannot be used"):
        load_component(folder, "part", build)


def test_a_number_of_layers_without_end_is_refused_at_once(folder):
    """It would take all memory."""
    config = folder / "part" / "config.json"

    def deep(config):
        return nn.Sequential(*(nn.Linear(3, 7) for _ in range(config["layers"])))

    config.write_text('{"layers": 1000000000}', encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"config.json describes many more weights .* expected the 3 in the file"):
        load_component(folder, "part", deep)


def test_a_folder_with_spaces_and_umlauts(tmp_path):
    place = tmp_path / "Größe 1"
    save_component(place, "part", Masked(**SIZES), SIZES, half=False)
    assert load_component(place, "part", build).count == 5


@pytest.mark.parametrize("name", ["unet", "vae", "projection_model", "language_model"])
@pytest.mark.parametrize("file", ["model.safetensors", "diffusion_pytorch_model.safetensors"])
def test_weights_are_found_under_either_name(tmp_path, name, file):
    save_component(tmp_path, name, Masked(**SIZES), SIZES, half=False)
    (written,) = (tmp_path / name).glob("*.safetensors")
    written.rename(written.with_name(file))
    assert weights_file(tmp_path, name).name == file
    assert load_component(tmp_path, name, build).count == 5


def test_what_is_written_is_what_is_read_although_the_other_name_is_there(folder):
    (folder / "part" / "model.safetensors").rename(folder / "part" / "diffusion_pytorch_model.safetensors")
    network = Masked(**SIZES)
    save_component(folder, "part", network, SIZES, half=False)
    assert torch.equal(load_component(folder, "part", build).layer.weight, network.layer.weight)


def test_written_weights_are_read_by_whom_other_files_are(tmp_path):
    save_tensors(tmp_path / "a.safetensors", {"x": torch.zeros(3)})
    (tmp_path / "b.txt").touch()
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "b.txt").stat().st_mode
