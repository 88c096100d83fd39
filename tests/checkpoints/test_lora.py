"""LoRA files: read, compared with the denoiser, and merged into its weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from art2mus_core.checkpoints.folder import check_component, load_component, save_component
from art2mus_core.checkpoints.lora import Lora, check_lora, denoiser_fingerprint, merge_lora, save_lora
from art2mus_core.checkpoints.names import aligner_file, lora_beside
from art2mus_core.checkpoints.tensors import read_metadata, read_tensors, save_tensors
from art2mus_core.diffusion.denoiser import build_unet
from art2mus_core.errors import CheckpointError, SettingError

LAYERS = ["down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k", "mid_block.resnets.0.conv1"]
"""A linear layer from one width to another, and a convolution."""


def unet_of(folder: Path) -> torch.nn.Module:
    return load_component(folder, "unet", build_unet)


def random_weights(folder: Path, rank: int = 3, layers: list[str] = LAYERS) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    weights = {}
    for layer in layers:
        outputs, inputs, *kernel = unet_of(folder).get_parameter(f"{layer}.weight").shape
        weights[f"{layer}.lora_A.weight"] = torch.randn(rank, inputs, *kernel)
        weights[f"{layer}.lora_B.weight"] = torch.randn(outputs, rank, *(1 for _ in kernel))
    return weights


@pytest.fixture(scope="module")
def lora(pocket_like: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random LoRA of rank 3. Not to be written to."""
    path = tmp_path_factory.mktemp("loras") / "mine-lora.safetensors"
    save_lora(
        path,
        random_weights(pocket_like),
        alpha=0.7,
        prior=pocket_like.name,
        denoiser=denoiser_fingerprint(pocket_like),
        licence="CC0-1.0",
        run="none",
    )
    return path


def merged(folder: Path, *chosen: Lora) -> dict[str, torch.Tensor]:
    unet = unet_of(folder)
    for each in chosen:
        merge_lora(unet, each, folder)
    return unet.state_dict()


def test_a_strength_of_0_changes_no_bit(pocket_like: Path, lora: Path):
    plain, same = unet_of(pocket_like).state_dict(), merged(pocket_like, Lora(lora, 0.0))
    assert all(torch.equal(value, same[name]) for name, value in plain.items())


def test_only_the_files_layers_change(pocket_like: Path, lora: Path):
    plain, changed = unet_of(pocket_like).state_dict(), merged(pocket_like, Lora(lora))
    assert {name for name, value in plain.items() if not torch.equal(value, changed[name])} == {
        f"{layer}.weight" for layer in LAYERS
    }


@settings(max_examples=8)
@given(one=st.floats(-3, 3), other=st.floats(-3, 3))
def test_strengths_add_up(pocket_like: Path, lora: Path, one: float, other: float):
    twice, once = merged(pocket_like, Lora(lora, one), Lora(lora, other)), merged(pocket_like, Lora(lora, one + other))
    for layer in LAYERS:
        torch.testing.assert_close(twice[f"{layer}.weight"], once[f"{layer}.weight"], rtol=1e-4, atol=1e-4)


def test_the_denoisers_precision_is_kept(pocket_like: Path, lora: Path):
    unet = load_component(pocket_like, "unet", build_unet, dtype=torch.bfloat16)
    merge_lora(unet, Lora(lora), pocket_like)
    assert {value.dtype for value in unet.parameters()} == {torch.bfloat16}


def test_the_file_is_in_half_precision_but_for_its_factor(lora: Path):
    tensors, _ = read_tensors(lora)
    assert {key.rpartition("lora_")[2]: str(value.dtype) for key, value in tensors.items() if "lora_" in key} == {
        "A.weight": "torch.float16",
        "B.weight": "torch.float16",
    }
    assert [value.item() for key, value in tensors.items() if key.endswith(".alpha")] == [
        pytest.approx(0.7, abs=1e-7)
    ] * 2


def test_the_fingerprint_is_that_of_the_weights_in_any_precision(
    pocket_like: Path, published_like: Path, tmp_path: Path
):
    unet = unet_of(pocket_like)
    for half in (False, True):
        save_component(tmp_path, "unet", unet, unet.config, half=half)
        assert denoiser_fingerprint(tmp_path) == denoiser_fingerprint(pocket_like)
    torch.nn.init.ones_(unet.conv_out.bias)
    save_component(tmp_path, "unet", unet, unet.config, half=True)
    assert denoiser_fingerprint(tmp_path) != denoiser_fingerprint(pocket_like)


def test_a_lora_beside_an_aligner_is_no_second_aligner(tmp_path: Path):
    for name in ("mine.safetensors", "mine-lora.safetensors"):
        (tmp_path / name).touch()
    assert aligner_file(tmp_path) == tmp_path / "mine.safetensors"
    assert lora_beside(tmp_path / "mine.safetensors") == tmp_path / "mine-lora.safetensors"


@pytest.mark.parametrize(("ending", "strength"), [("", 1.0), (":0.5", 0.5), (":-2", -2.0), (":0", 0.0)])
def test_a_strength_stands_after_the_file(lora: Path, ending: str, strength: float):
    assert Lora.parse(f"{lora}{ending}") == Lora(lora, strength)


def test_a_file_with_a_colon_in_its_name_is_a_file(lora: Path, tmp_path: Path):
    path = shutil.copy(lora, tmp_path / "take:2")
    assert Lora.parse(str(path)) == Lora(path)


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        (":loud", "strength 'loud' of the LoRA mine-lora.safetensors; expected -100 to 100"),
        (":", "strength ''"),
        (":nan", "strength 'nan'"),
        (":101", "strength '101'"),
        (".txt", "no LoRA file .*mine-lora.safetensors.txt; expected a file, or FILE:STRENGTH"),
    ],
)
def test_a_wrong_choice_is_refused_in_words(lora: Path, ending: str, told: str):
    with pytest.raises(SettingError, match=told):
        Lora.parse(f"{lora}{ending}")


def test_a_lora_of_another_denoiser_is_refused(published_like: Path, lora: Path):
    unet = check_component(published_like, "unet", build_unet)
    with pytest.raises(
        CheckpointError, match=r"was trained for the denoiser of pocket-like0 with the fingerprint \w{12};"
    ):
        check_lora(lora, unet, published_like)


def keys_of(path: Path) -> tuple[dict[str, torch.Tensor], str]:
    tensors, _ = read_tensors(path)
    return tensors, f"diffusion_model.{LAYERS[0]}"


def without_alpha(tensors: dict, layer: str) -> None:
    del tensors[f"{layer}.alpha"]


def of_two_ranks(tensors: dict, layer: str) -> None:
    tensors[f"{layer}.lora_A.weight"] = tensors[f"{layer}.lora_A.weight"][:2].clone()


def of_another_width(tensors: dict, layer: str) -> None:
    tensors[f"{layer}.lora_B.weight"] = tensors[f"{layer}.lora_B.weight"][:-1].clone()


def of_an_unknown_layer(tensors: dict, layer: str) -> None:
    tensors["diffusion_model.block_9.to_q.lora_A.weight"] = tensors[f"{layer}.lora_A.weight"].clone()


def of_no_layer(tensors: dict, layer: str) -> None:
    for key in list(tensors):
        tensors[key.replace("diffusion_model.", "lora_unet_").replace(".lora_B", ".up")] = tensors.pop(key)


def with_a_flat_matrix(tensors: dict, layer: str) -> None:
    tensors[f"{layer}.lora_B.weight"] = torch.ones(3)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (without_alpha, "lacks diffusion_model.*alpha"),
        (of_two_ranks, r"lora_A.weight of \[2, 10\] for \[3, 10\]"),
        (of_another_width, "lora_B.weight of"),
        (of_an_unknown_layer, "has unexpected diffusion_model.block_9"),
        (of_no_layer, "contains lora_unet_.*expected a LoRA for the denoiser of"),
        (with_a_flat_matrix, r"lora_B.weight of \[3\]"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_file_that_does_not_fit_is_refused_by_its_header(
    pocket_like: Path, lora: Path, damage, told: str, tmp_path: Path
):
    tensors, layer = keys_of(lora)
    damage(tensors, layer)
    save_tensors(tmp_path / "wrong.safetensors", tensors, metadata=read_metadata(lora))
    unet = check_component(pocket_like, "unet", build_unet)
    with pytest.raises(CheckpointError, match=told):
        check_lora(tmp_path / "wrong.safetensors", unet, pocket_like)


def test_an_aligner_is_no_lora(pocket_like: Path):
    path = pocket_like / "aligner" / "model.safetensors"
    with pytest.raises(CheckpointError, match=r"expected a LoRA for the denoiser of .*Choose a LoRA file"):
        merge_lora(unet_of(pocket_like), Lora(path), pocket_like)


def test_values_that_are_not_finite_are_refused(pocket_like: Path, lora: Path, tmp_path: Path):
    tensors, layer = keys_of(lora)
    tensors[f"{layer}.lora_B.weight"][0, 0] = torch.nan
    save_tensors(tmp_path / "nan.safetensors", tensors)
    with pytest.raises(CheckpointError, match=r"not finite in .*to_k.lora_B.weight"):
        merge_lora(unet_of(pocket_like), Lora(tmp_path / "nan.safetensors"), pocket_like)


def test_a_damaged_file_is_refused(pocket_like: Path, lora: Path, tmp_path: Path):
    (tmp_path / "half.safetensors").write_bytes(lora.read_bytes()[:400])
    with pytest.raises(CheckpointError, match="is damaged"):
        merge_lora(unet_of(pocket_like), Lora(tmp_path / "half.safetensors"), pocket_like)
