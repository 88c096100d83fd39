"""Our schedules beside diffusers' schedulers, on the same answers of a denoiser."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

from art2mus_core.diffusion.levels import read_levels
from art2mus_core.diffusion.sampling import sample
from art2mus_core.diffusion.schedules import TEACHER, schedule
from art2mus_core.types import Condition

BETAS = {
    "scaled_linear": {"beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear"},
    "linear": {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear"},
}
PREDICTIONS = ["epsilon", "v_prediction"]
FEW = [1, 2, 3, 7, 20, 200]


def ddim(betas, steps):
    if 1000 % steps:
        return DPMSolverMultistepScheduler(**betas, solver_order=1, timestep_spacing="linspace")
    more = {"set_alpha_to_one": False, "steps_offset": min(1, 1000 // steps - 1), "timestep_spacing": "leading"}
    return DDIMScheduler(**betas, clip_sample=False, **more)


class Twentieth(UniPCMultistepScheduler):
    """Theirs, with another exponent of the noise levels, for which it has no option."""

    def _convert_to_karras(self, in_sigmas, num_inference_steps):
        lowest, highest = in_sigmas[-1].item() ** 0.05, in_sigmas[0].item() ** 0.05
        return (highest + np.linspace(0, 1, num_inference_steps) * (lowest - highest)) ** 20


class Quadratic(DPMSolverMultistepScheduler):
    """Theirs, at levels for which it has no option."""

    def _convert_to_karras(self, in_sigmas, num_inference_steps):
        places = 999 * (1 - np.arange(num_inference_steps) / num_inference_steps) ** 2
        return np.exp(np.interp(places, np.arange(1000), np.log(np.sort(in_sigmas))))


THEIRS = {
    "ddim": ddim,
    "dpm++2m-karras": lambda betas, steps: DPMSolverMultistepScheduler(**betas, use_karras_sigmas=True),
    "unipc-karras": lambda betas, steps: UniPCMultistepScheduler(**betas, use_karras_sigmas=True),
    "unipc-rho20": lambda betas, steps: Twentieth(**betas, use_karras_sigmas=True),
    TEACHER: lambda betas, steps: Quadratic(**betas, use_karras_sigmas=True),
}


def clean_answers(levels):
    """What a scheduler of diffusers takes the clean latent to be, step by step, as it goes on."""
    answers = []
    if hasattr(levels, "convert_model_output"):
        convert = levels.convert_model_output
        levels.convert_model_output = lambda *given, **named: answers.append(convert(*given, **named)) or answers[-1]
    else:
        step = levels.step

        def stepping(*given, return_dict):
            done = step(*given, return_dict=True)
            answers.append(done.pred_original_sample)
            return (done.prev_sample,)

        levels.step = stepping
    return answers


def answer(x, t, condition=None):
    """Not a denoiser, but it depends on everything that one sees."""
    return torch.tanh(0.7 * x.roll(1, -1) + 0.001 * t) - 0.3 * x


MANY = [("linear", "epsilon", 1000), ("scaled_linear", "v_prediction", 1000)]
"""A thousand steps take a second; each schedule and each prediction has them once."""


@pytest.mark.parametrize(("betas", "prediction", "steps"), [*itertools.product(BETAS, PREDICTIONS, FEW), *MANY])
@pytest.mark.parametrize("solver", THEIRS)
def test_every_step_is_that_of_diffusers(solver, betas, prediction, steps):
    config = {"num_train_timesteps": 1000, **BETAS[betas], "prediction_type": prediction}
    theirs = THEIRS[solver](config, steps)
    theirs.set_timesteps(steps)
    if hasattr(theirs, "set_begin_index"):
        theirs.set_begin_index(0)
    ours = schedule(config, solver, steps)
    assert ours.timesteps.tolist() == theirs.timesteps.tolist()

    signals = clean_answers(theirs)
    noise = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    x, expected = noise, []
    for t in theirs.timesteps:
        x = theirs.step(answer(x, t), t, x, return_dict=False)[0]
        expected.append(x)
    found = []
    nothing = Condition(torch.zeros(2, 8, 3))
    sample(answer, nothing, noise, ours, on_step=lambda step: found.append((step.latent.values, step.clean.values)))
    pairs = zip(
        [part for step in zip(expected, signals, strict=True) for part in step], itertools.chain(*found), strict=True
    )
    for wanted, each in pairs:
        if solver.startswith("unipc"):  # theirs solves a system of two equations by elimination
            assert (each - wanted).abs().max() <= 2e-5 * wanted.abs().max()
        else:
            assert torch.equal(each, wanted)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("name", ["linear", "scaled_linear", "squaredcos_cap_v2"])
def test_noise_and_targets_are_those_of_diffusers(name, prediction):
    config = {"num_train_timesteps": 100, "beta_schedule": name, "prediction_type": prediction}
    theirs, ours = DDIMScheduler(**config), read_levels(config)
    assert torch.equal(ours.alphas_cumprod, theirs.alphas_cumprod)
    latent, noise, t = torch.randn(3, 2, 5, 4), torch.randn(3, 2, 5, 4), torch.tensor([0, 41, 99])
    assert torch.equal(ours.noised(latent, noise, t), theirs.add_noise(latent, noise, t))
    target = noise if prediction == "epsilon" else theirs.get_velocity(latent, noise, t)
    assert torch.equal(ours.target(latent, noise, t), target)


def test_trained_betas_are_taken_as_they_are():
    betas = torch.linspace(0.01, 0.3, 12).tolist()
    config = {"num_train_timesteps": 12, "trained_betas": betas}
    assert torch.equal(read_levels(config).alphas_cumprod, DDIMScheduler(**config).alphas_cumprod)
