"""LoRA of the denoiser: what is trained, what stays, and what is written."""

from __future__ import annotations

import copy
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from art2mus_core.aligners.files import find_aligner
from art2mus_core.checkpoints.folder import load_component
from art2mus_core.checkpoints.lora import Lora, merge_lora
from art2mus_core.checkpoints.names import lora_beside
from art2mus_core.checkpoints.tensors import read_metadata, read_tensors
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.diffusion.denoiser import build_unet
from art2mus_core.digests import folder_digest, tensor_digest
from art2mus_core.errors import SettingError
from art2mus_core.pipelines import load
from art2mus_core.training.adapters import LoraFields, add_lora
from art2mus_core.training.batches import Draw, seeded
from art2mus_core.training.stages import stage_builder
from art2mus_core.types import Step

EVERY_KIND = ["to_q", "to_k", "to_v", "to_out.0", "conv1", "proj_in", "conv"]
"""Linear layers, and convolutions of 1 x 1, 3 x 3 and with a stride."""


def lora_of(tiny: Any, lora: dict[str, Any] | None = None, **fields: Any) -> Any:
    return tiny(
        "aligner",
        {"alignment": {"weight": 0.1, "pairs": 4}, "lora": {"rank": 3, "alpha": 5.0, **(lora or {})}},
        **fields,
    )


def weights_of(objective: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in objective.trained.state_dict().items()}


def frozen_of(objective: Any) -> dict[str, torch.Tensor]:
    """All weights but the trained ones, by the names they have without LoRA."""
    trained = {id(value) for value in objective.trained.parameters()}
    rest = {name: value for name, value in objective.named_parameters() if id(value) not in trained}
    return {name.replace(".base_layer", ""): value for name, value in sorted(rest.items())}


def denoiser(folder: Path) -> torch.nn.Module:
    return load_component(folder, "unet", build_unet)


@pytest.fixture(scope="module")
def adapted(train_stage, tiny, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An objective that was trained with LoRA in all kinds of layers, and the copy of the checkpoint that it was exported to."""
    folder = tmp_path_factory.mktemp("adapted")
    checkpoint = shutil.copytree(trained, folder / "prior")
    config = lora_of(tiny, {"targets": EVERY_KIND})
    objective, _ = train_stage(config, checkpoint, folder / "run")
    before = folder_digest(checkpoint / "unet")
    objective.export(checkpoint)
    assert folder_digest(checkpoint / "unet") == before
    return objective, checkpoint


def test_only_aligner_and_lora_are_trained_and_all_else_stays(tiny, pairs: Path, trained: Path, train_stage, tmp_path):
    config = lora_of(tiny, ema=0.0, steps=2)
    untouched = stage_builder(tiny("aligner", {"alignment": {"weight": 0.1, "pairs": 4}}), pairs, trained)()
    objective, _ = train_stage(config, trained, tmp_path)
    frozen = frozen_of(objective)
    assert not any(value.requires_grad or value.grad is not None for value in frozen.values())
    assert tensor_digest(frozen) == tensor_digest(frozen_of(untouched))
    lora = {name: value for name, value in objective.trained.named_parameters() if name.startswith("lora.")}
    assert len(lora) == 2 * 4 * 2 * 4  # two matrices, four layers, two attentions, four transformers
    assert all(value.requires_grad and value.any() for value in lora.values())


def test_lora_changes_nothing_at_first_not_even_the_aligners_initial_weights(tiny, pairs: Path, trained: Path):
    objectives = []
    for config in (tiny("aligner", {"alignment": {"weight": 0.1, "pairs": 4}}), lora_of(tiny)):
        with seeded(config.seed, torch.device("cpu")):
            objectives.append(stage_builder(config, pairs, trained)().eval())
    losses = []
    for objective in objectives:
        with torch.no_grad():
            losses.append(objective(objective.batch(Draw(np.random.default_rng(0), 3)))[0])
    assert torch.equal(*losses)
    plain, adapted = map(weights_of, objectives)
    assert all(torch.equal(value, adapted[name]) for name, value in plain.items())


def test_a_copy_of_the_trained_modules_has_no_weight_of_the_denoiser(adapted):
    objective, _ = adapted
    copied = copy.deepcopy(objective.trained["lora"])
    layers = [key.removesuffix(".lora_A.weight") for key in copied.state_dict() if key.endswith(".lora_A.weight")]
    assert len(list(copied.parameters())) == 2 * len(layers)
    assert {layer.rpartition(".")[2] for layer in layers} >= {"to_q", "0", "conv1", "conv"}
    assert all(value.shape.count(3) for value in copied.parameters())  # the rank


def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one(train_stage, tiny, trained: Path, tmp_path: Path):
    def press(step: Step) -> None:
        if step.done in stops:
            raise KeyboardInterrupt

    config = lora_of(tiny)
    stops = {1, 3}
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train_stage(config, trained, tmp_path / "stopped", on_step=press)
        stops.discard(1)
    stops.clear()
    resumed, history = train_stage(config, trained, tmp_path / "stopped", on_step=press)
    whole, once = train_stage(config, trained, tmp_path / "whole")
    assert history == once
    assert tensor_digest(weights_of(resumed)) == tensor_digest(weights_of(whole))


def test_the_lora_may_have_a_learning_rate_of_its_own(train_stage, tiny, trained: Path, tmp_path: Path):
    """The first step's change is proportional to it."""
    ends = []
    for name, lora in (("own", {"learning_rate": 3e-4}), ("shared", {})):
        config = lora_of(tiny, lora, steps=1, ema=0.0, learning_rate=1e-2)
        ends.append(weights_of(train_stage(config, trained, tmp_path / name)[0]))
    own, shared = ends
    for name, value in own.items():
        if name.startswith("aligner"):
            assert torch.equal(value, shared[name])
        elif "lora_B" in name:
            assert value.any()
            torch.testing.assert_close(value, 0.03 * shared[name])


def test_the_exported_file_changes_the_denoiser_as_peft_computed(adapted):
    """Each layer, W + alpha / rank * B A, and the whole network; the file is in half precision."""
    objective, checkpoint = adapted
    path = lora_beside(checkpoint / "aligner" / "model.safetensors")
    tensors, _ = read_tensors(path)
    merged, plain = denoiser(checkpoint), denoiser(checkpoint)
    merge_lora(merged, Lora(path), checkpoint)
    changed = 0
    for name, weight in merged.named_parameters():
        layer = f"diffusion_model.{name.removesuffix('.weight')}"
        own = plain.get_parameter(name)
        if f"{layer}.alpha" not in tensors:
            assert torch.equal(weight, own)
            continue
        up, down = (tensors[f"{layer}.lora_{side}.weight"].float() for side in "BA")
        change = torch.einsum("or...,ri...->oi...", up.expand(*up.shape[:2], *down.shape[2:]), down)
        torch.testing.assert_close(weight, own + 5 / 3 * change)
        changed += 1
    assert changed == len(list(objective.trained["lora"].parameters())) / 2
    generator = torch.Generator().manual_seed(0)
    channels, width = merged.config["in_channels"], objective.data.grid.language_width
    x, language = (torch.randn(2, *size, generator=generator) for size in ((channels, 8, 12), (8, width)))
    with torch.no_grad():
        ours, theirs, before = (net(x, torch.tensor(7), language) for net in (merged, objective.unet.eval(), plain))
    assert (ours - theirs).norm() < 0.01 * (theirs - before).norm()


def test_the_files_header_says_what_it_belongs_to(adapted):
    _, checkpoint = adapted
    header = read_metadata(checkpoint / "aligner" / "model-lora.safetensors")
    named = {name: header[name] for name in ("kind", "rank", "alpha", "prior", "licence", "run")}
    assert named == {
        "kind": "lora",
        "rank": "3",
        "alpha": "5",
        "prior": "prior",
        "licence": "none stated",
        "run": "true pairs",
    }


def test_it_is_composed_with_and_is_no_aligner(adapted):
    _, checkpoint = adapted
    path = checkpoint / "aligner" / "model-lora.safetensors"
    with pytest.raises(SettingError, match=r"one of: .*model") as refused:
        find_aligner(checkpoint, "nothing")
    assert "model-lora" not in str(refused.value)
    composed = [
        load(str(checkpoint), lora=lora).compose([paint(3)], seconds=1.0, steps=2)[0].samples
        for lora in (None, f"{path}:0", str(path))
    ]
    assert torch.equal(composed[0], composed[1])
    assert not torch.allclose(composed[0], composed[2], atol=1e-4)
    assert composed[2].isfinite().all()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"targets": ["to_q", "to_kk"]}, "LoRA targets to_kk; expected names of .* to_q, to_k, to_v, to_out.0"),
        ({"targets": ["attn1"]}, "LoRA targets attn1"),
        ({"targets": ["0"]}, "LoRA targets 0"),
        ({"targets": []}, "targets"),
        ({"rank": 0}, "rank"),
        ({"ranks": 4}, "ranks"),
    ],
)
def test_wrong_fields_are_refused_in_words(tiny, pairs: Path, trained: Path, fields: dict[str, Any], told: str):
    with pytest.raises(SettingError, match=told):
        stage_builder(lora_of(tiny, fields), pairs, trained)()


def test_without_peft_the_package_is_named(trained: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ModuleNotFoundError) as missing:
        add_lora(denoiser(trained), LoraFields())
    assert missing.value.name == "peft"
