from __future__ import annotations

import pytest
import torch

from art2mus_core.diffusion.sampling import sample
from art2mus_core.diffusion.schedules import OF_STUDENTS, SOLVERS, schedule
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.types import Condition

BETAS = {"num_train_timesteps": 1000, "beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear"}
PUBLISHED = {
    **BETAS,
    "_class_name": "DDIMScheduler",
    "clip_sample": False,
    "prediction_type": "epsilon",
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "trained_betas": None,
}
NOTHING = Condition(torch.zeros(2, 8, 3))


def alphas_cumprod():
    betas = torch.linspace(0.0015**0.5, 0.0195**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0)


class Gaussian:
    """The exact denoiser of data with mean 1.3 and standard deviation 0.4."""

    mean, deviation = 1.3, 0.4

    def __init__(self, prediction):
        self.prediction, self.seen = prediction, []

    def __call__(self, x, t, condition):
        self.seen.append(int(t))
        a = alphas_cumprod()[int(t)].to(x)
        gain = a.sqrt() * self.deviation**2 / (a * self.deviation**2 + 1 - a)
        clean = self.mean + gain * (x - a.sqrt() * self.mean)
        noise = (x - a.sqrt() * clean) / (1 - a).sqrt()
        return noise if self.prediction == "epsilon" else a.sqrt() * noise - (1 - a).sqrt() * clean


def drawn():
    return torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("prediction", "steps"),
    [("epsilon", 20), ("v_prediction", 20), ("v_prediction", 100), ("v_prediction", 600), ("v_prediction", 1000)],
)
@pytest.mark.parametrize("solver", SOLVERS | OF_STUDENTS)
def test_every_solver_finds_the_data_at_any_number_of_steps(prediction, solver, steps):
    levels = schedule({**BETAS, "prediction_type": prediction}, solver, steps)
    denoiser = Gaussian(prediction)
    found = sample(denoiser, NOTHING, drawn(), levels).values
    assert len(denoiser.seen) == steps
    assert max(denoiser.seen) > 940
    expected = Gaussian.mean + Gaussian.deviation * drawn()
    assert (found - expected).abs().mean() < (0.06 if steps == 20 else 0.02)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("solver", SOLVERS | OF_STUDENTS)
def test_few_steps_are_possible(solver, steps):
    found = sample(Gaussian("epsilon"), NOTHING, drawn(), schedule(PUBLISHED, solver, steps)).values
    assert found.isfinite().all()


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("steps", [5, 50, 200, 1000])
def test_ddim_is_the_published_equation(prediction, steps):
    """DDIM (Song et al. 2021, eq. 12) without noise, on every k-th level, one level up where there is room."""
    a, every = alphas_cumprod().float(), 1000 // steps
    offset = 1 if every > 1 else 0
    denoiser, x = Gaussian(prediction), drawn()
    for t in reversed(range(offset, 1000, every)):
        before = a[t - every] if t >= every else a[0]
        output = denoiser(x, t, NOTHING)
        if prediction == "epsilon":
            noise, clean = output, (x - (1 - a[t]).sqrt() * output) / a[t].sqrt()
        else:
            clean = a[t].sqrt() * x - (1 - a[t]).sqrt() * output
            noise = a[t].sqrt() * output + (1 - a[t]).sqrt() * x
        x = before.sqrt() * clean + (1 - before).sqrt() * noise
    found = sample(
        Gaussian(prediction), NOTHING, drawn(), schedule({**PUBLISHED, "prediction_type": prediction}, "ddim", steps)
    )
    assert torch.allclose(found.values, x, atol=2e-4)


def test_karras_levels_crowd_at_the_end():
    levels = schedule(PUBLISHED, "dpm++2m-karras", 20)
    noise = (levels.sigmas / levels.alphas)[:-1]
    assert noise[0] / noise[10] < noise[10] / noise[-1]


def test_the_order_of_the_table_is_the_order_of_preference():
    assert next(iter(SOLVERS)) == "dpm++2m-karras"


def test_an_unknown_solver_is_told_the_known():
    with pytest.raises(SettingError, match=r"dpm\+\+2m-karras, unipc-karras, unipc-rho20, ddim"):
        schedule(PUBLISHED, "plms", 20)


@pytest.mark.parametrize("steps", [0, 1001, -3])
def test_steps_outside_the_levels_are_refused(steps):
    with pytest.raises(SettingError, match="1 to 1000"):
        schedule(PUBLISHED, "ddim", steps)


def test_another_kind_of_network_is_refused():
    with pytest.raises(CheckpointError, match="sample"):
        schedule({**BETAS, "prediction_type": "sample"}, "ddim", 20)


@pytest.mark.parametrize(
    "wrong",
    [
        {"beta_start": 0.0},
        {"rescale_betas_zero_snr": True},
        {"num_train_timesteps": True},
        {"num_train_timesteps": 10**9},
    ],
)
def test_levels_that_cannot_be_sampled_are_refused(wrong):
    with pytest.raises(CheckpointError, match="a scheduler with"):
        schedule({**BETAS, "prediction_type": "epsilon", **wrong}, "ddim", 20)
