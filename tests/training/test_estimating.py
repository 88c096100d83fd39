"""The estimated memory of a step beside what torch allocates in a real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.training.batches import Draw
from art2mus_core.training.estimating import Estimate, Step, aligner_step, estimate, estimate_step
from art2mus_core.training.stages import stage_builder


@pytest.fixture(scope="module")
def config_of(tiny):
    def config(options: dict | None = None, **fields):
        model = {"hidden": 17, "tokens": 3}
        return tiny("aligner", {"alignment": None, "crop": 32, **(options or {})}, model=model, **fields)

    return config


def allocated(objective, batch) -> int:
    """The most bytes that torch has allocated at once in a step, as its profiler counts them."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watched:
        objective(batch)[0].backward()
    events = sorted(
        (event.start_ns(), event.nbytes())
        for event in watched.profiler.kineto_results.events()
        if event.name() == "[memory]"
    )
    return int(np.cumsum([size for _, size in events]).max())


@pytest.mark.parametrize("checkpointing", [False, True], ids=["kept", "checkpointed"])
def test_a_real_step_takes_the_estimated_memory(config_of, pairs: Path, pocket_like: Path, checkpointing):
    config = config_of(batch=4, checkpointing=checkpointing)
    objective = stage_builder(config, pairs, pocket_like)()
    batch = objective.batch(Draw(np.random.default_rng(0), 4))
    found = estimate(config, pocket_like)
    taken = allocated(objective, batch)
    assert found.activations + found.gradients == pytest.approx(taken, rel=0.1)
    trained = sum(weight.nbytes for weight in objective.trained.parameters())
    assert (found.trained, found.gradients, found.optimiser) == (trained, trained, 2 * trained)
    networks = (objective.unet, objective.language_model)
    assert found.frozen == sum(weight.nbytes for network in networks for weight in network.parameters())
    assert found.total == sum(vars(found).values())


def test_what_saves_memory_lowers_the_estimate(config_of, pocket_like: Path):
    whole = estimate(config_of(batch=6, ema=0.5), pocket_like)
    assert whole.average == whole.trained > 0
    half = estimate(config_of(batch=6, precision="bf16", ema=0.0), pocket_like)
    assert 0.4 * whole.activations < half.activations < 0.8 * whole.activations
    assert half.average == 0
    part = estimate(config_of(batch=6, accumulate=3), pocket_like, processes=2)
    assert part.inputs == pytest.approx(whole.inputs / 6)
    assert part.activations < 0.3 * whole.activations
    assert part.gradients == 2 * whole.gradients


def test_a_trained_denoiser_takes_gradients_and_more_activations(config_of, pocket_like: Path):
    frozen, trained = (aligner_step(config_of(batch=4), pocket_like) for _ in range(2))
    trained.networks["unet"].requires_grad_(requires_grad=True)
    ours, plain = estimate_step(frozen), estimate_step(trained)
    unet = sum(weight.nbytes for weight in trained.networks["unet"].parameters())
    assert plain.gradients == ours.gradients + unet
    assert plain.total > ours.total
    assert (plain.frozen, plain.trained) == (ours.frozen, ours.trained)


def test_patches_are_among_the_inputs(config_of, published_like: Path):
    plain, patched = (
        estimate(config_of(batch=2).model_copy(update={"model": model}), published_like)
        for model in ({"hidden": 16, "tokens": 3}, {"hidden": 16, "tokens": 3, "patch_dim": 21, "heads": 2})
    )
    assert patched.inputs - plain.inputs == 2 * 257 * 21 * 4
    assert patched.trained > plain.trained


def test_each_storage_is_counted_once_and_until_it_is_freed():
    """A linear layer keeps its input for the weight's gradient; views take no memory, and nothing is left in the end."""
    with torch.device("meta"):
        layer = nn.Linear(7, 5, bias=False)
    inputs = {}

    def batch():
        inputs["x"] = torch.zeros(11, 7)
        return inputs["x"]

    step = Step(nn.ModuleDict({"layer": layer}), layer, batch, lambda x: layer(x * 2).view(55).sum())
    found = estimate_step(step)
    assert (found.inputs, found.frozen, found.trained, found.gradients) == (308, 0, 140, 140)
    # the doubled input and the loss, which lasts, with the output in the forward pass or the gradient in the backward pass
    assert found.activations + found.gradients in range(308 + 220, 308 + 220 + 140 + 9)


def test_the_table_ends_with_the_sum():
    lines = Estimate(1_731_000_000, 2_000_000, 3, 4, 5, 6, 7).lines()
    assert lines[0] == "frozen         1.731 GB"
    assert lines[-1] == "total          1.733 GB"
    assert len(lines) == 8


def test_wrong_options_and_missing_constants_are_told(config_of, pocket_like: Path, tmp_path: Path):
    with pytest.raises(SettingError, match="pages"):
        estimate(config_of({"pages": 3}), pocket_like)
    with pytest.raises(SettingError, match="no constants 'night'"):
        estimate(config_of({"support": "night"}), pocket_like)
    with pytest.raises((SettingError, CheckpointError)):
        estimate(config_of(), tmp_path)
