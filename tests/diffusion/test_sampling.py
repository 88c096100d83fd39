from __future__ import annotations

import pytest
import torch

from art2mus_core.diffusion.sampling import draw_noise, sample
from art2mus_core.diffusion.schedules import OF_STUDENTS, SOLVERS, schedule
from art2mus_core.types import Condition

CONFIG = {"beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear"}


def halved(x, t, condition):
    return x / 2 + condition.language.mean()


def run(**chosen):
    noise = draw_noise((3, 7, 5), [4, 9])
    return sample(halved, Condition(torch.ones(2, 8, 11)), noise, schedule(CONFIG, "ddim", 4), **chosen)


def test_a_seed_draws_the_same_noise_alone_and_in_a_batch():
    together = draw_noise((3, 7, 5), [4, 2**63 - 1, 4])
    assert torch.equal(together[1:2], draw_noise((3, 7, 5), [2**63 - 1]))
    assert torch.equal(together[0], together[2])
    assert not torch.equal(together[0], together[1])


def test_noise_is_drawn_beside_the_global_state():
    state = torch.random.get_rng_state()
    draw_noise((3, 7, 5), [4])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_every_step_is_told():
    steps = []
    run(on_step=steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [("denoise", done, 4) for done in range(1, 5)]


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("steps", [7, 20])
@pytest.mark.parametrize("solver", SOLVERS | OF_STUDENTS)
def test_what_is_told_is_the_piece_without_its_noise(solver, steps, prediction):
    levels = schedule({**CONFIG, "prediction_type": prediction}, solver, steps)
    told = []
    noise = draw_noise((3, 7, 5), [4, 9])
    condition = Condition(torch.ones(2, 8, 11) / 9)
    result = sample(halved, condition, noise, levels, on_step=lambda step: told.append(step.clean.values)).values
    assert len(told) == steps
    # DDIM stops at the lowest noise level instead of none.
    assert (told[-1] - result).norm() < (0.03 if levels.sigmas[-1] else 1e-5) * result.norm()
    assert (told[0] - result).norm() > 0.01 * result.norm()


def test_being_told_changes_nothing():
    assert torch.equal(run(on_step=lambda _: None).values, run().values)


def test_the_caller_can_stop():
    def stop(step):
        if step.done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run(on_step=stop)


def test_sampling_is_deterministic():
    assert torch.equal(run().values, run().values)
