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


@pytest.fixture(scope="module")
def whole(config_of, pocket_like: Path) -> Estimate:
    """The estimate of a step that saves nothing."""
    return estimate(config_of(batch=4, ema=0.5), pocket_like)


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


@pytest.fixture(scope="module")
def objective(config_of, pairs: Path, pocket_like: Path):
    return stage_builder(config_of(batch=4), pairs, pocket_like)()


@pytest.mark.parametrize("checkpointing", [False, True], ids=["kept", "checkpointed"])
def test_a_real_step_takes_the_estimated_memory(request, objective, config_of, pocket_like: Path, checkpointing):
    objective.zero_grad()
    objective.unet.checkpointing = checkpointing
    whole = request.getfixturevalue("whole")
    found = estimate(config_of(batch=4, checkpointing=True), pocket_like) if checkpointing else whole
    taken = allocated(objective, objective.batch(Draw(np.random.default_rng(0), 4)))
    assert found.activations + found.gradients == pytest.approx(taken, rel=0.1)
    assert found.total < whole.total or not checkpointing


def test_weights_and_what_the_optimiser_keeps_are_those_of_the_objective(objective, whole):
    trained = sum(weight.nbytes for weight in objective.trained.parameters())
    assert (whole.trained, whole.gradients, whole.optimiser, whole.average) == (trained, trained, 2 * trained, trained)
    networks = (objective.unet, objective.language_model)
    assert whole.frozen == sum(weight.nbytes for network in networks for weight in network.parameters())
    assert whole.total == sum(vars(whole).values())


def test_half_precision_lowers_the_estimate(config_of, pocket_like: Path, whole):
    half = estimate(config_of(batch=4, precision="bf16", ema=0.0), pocket_like)
    assert 0.4 * whole.activations < half.activations < 0.8 * whole.activations
    assert half.average == 0


def test_a_process_has_its_part_of_the_batch_and_copies_of_the_gradients(config_of, pocket_like: Path, whole):
    part = estimate(config_of(batch=4, accumulate=2), pocket_like, processes=2)
    assert part.inputs == pytest.approx(whole.inputs / 4)
    assert part.activations < 0.4 * whole.activations
    assert part.gradients == 2 * whole.gradients


def test_a_trained_denoiser_takes_gradients_and_more_activations(config_of, pocket_like: Path, whole):
    step = aligner_step(config_of(batch=4), pocket_like)
    step.networks["unet"].requires_grad_(requires_grad=True)
    plain = estimate_step(step)
    assert plain.gradients == whole.gradients + sum(weight.nbytes for weight in step.networks["unet"].parameters())
    assert plain.total > whole.total
    assert (plain.frozen, plain.trained) == (whole.frozen, whole.trained)


def test_patches_are_among_the_inputs(config_of, published_like: Path):
    model = {"hidden": 16, "tokens": 3, "patch_dim": 21, "heads": 2}
    step = aligner_step(config_of(batch=2).model_copy(update={"model": model}), published_like)
    assert step.batch().embedding.patches.shape == (2, 257, 21)
    assert step.trained["aligner"].patch_dim == 21


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
