"""Schedules: which noise levels are visited and how one is left for the next; diffusers' schedulers, by name.

Importing this file is cheap, so that a person's choice of solver can be checked at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from ..errors import CheckpointError, SettingError

__all__ = ["SOLVERS", "Schedule", "check_solver", "schedule"]

PREDICTIONS = ("epsilon", "v_prediction")


@runtime_checkable
class Schedule(Protocol):
    """What the sampling loop uses of a diffusers scheduler: `timesteps`, highest first, and these."""

    timesteps: Any
    init_noise_sigma: Any

    def scale_model_input(self, sample: Any, timestep: Any) -> Any:  # noqa: ANN401
        """The network's input for a noisy latent."""

    def step(self, model_output: Any, timestep: Any, sample: Any, *, return_dict: bool) -> Any:  # noqa: ANN401
        """The latent at the next level, first of a tuple."""


def _ddim(betas: dict[str, Any], steps: int) -> Schedule:
    """DDIM (Song et al. 2021) on every k-th level, as AudioLDM2 samples.

    If `steps` does not divide the levels, every k-th would stop short of pure noise; then the same equation, which is
    DPM-Solver++ of first order, runs on evenly spread levels.
    """
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler  # noqa: PLC0415

    levels = betas["num_train_timesteps"]
    if levels % steps:
        return _multistep(**betas, solver_order=1, timestep_spacing="linspace")
    # The offset would push the first level past the last one when every level is visited.
    offset = min(1, levels // steps - 1)
    return DDIMScheduler(
        **betas, clip_sample=False, set_alpha_to_one=False, steps_offset=offset, timestep_spacing="leading"
    )


def _dpm(betas: dict[str, Any], steps: int) -> Schedule:  # noqa: ARG001
    """DPM-Solver++ 2M (Lu et al. 2022) on the noise levels of Karras et al. 2022."""
    return _multistep(**betas, use_karras_sigmas=True)


def _multistep(**settings: Any) -> Schedule:  # noqa: ANN401
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler  # noqa: PLC0415

    return DPMSolverMultistepScheduler(**settings)


def _unipc(betas: dict[str, Any], steps: int) -> Schedule:  # noqa: ARG001
    """UniPC (Zhao et al. 2023) on the noise levels of Karras et al. 2022."""
    from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler  # noqa: PLC0415

    return UniPCMultistepScheduler(**betas, use_karras_sigmas=True)


SOLVERS: dict[str, Callable[[dict[str, Any], int], Schedule]] = {
    "dpm++2m-karras": _dpm,
    "unipc-karras": _unipc,
    "ddim": _ddim,
}


def check_solver(name: str) -> None:
    """Refuse a solver that is not in the table.

    Raises:
        SettingError: it is not.
    """
    if name not in SOLVERS:
        raise SettingError(f"no solver {name!r}", f"one of {', '.join(SOLVERS)}", "Check the name.")


def schedule(config: dict[str, Any], solver: str, steps: int) -> Schedule:
    """The schedule of a checkpoint's `scheduler_config.json` for a solver, its steps set.

    Raises:
        SettingError: unknown solver, or more steps than noise levels.
        CheckpointError: the network predicts something else than noise or velocity, or there are no such noise levels.
    """
    check_solver(solver)
    kind = config.get("prediction_type", "epsilon")
    if kind not in PREDICTIONS:
        raise CheckpointError(
            f"a network that predicts {kind!r}", f"one of {', '.join(PREDICTIONS)}", "Use another checkpoint."
        )
    names = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas")
    betas = {"num_train_timesteps": 1000, **{name: config[name] for name in names if name in config}}
    levels = betas["num_train_timesteps"]
    if not isinstance(levels, int) or levels < 1:
        raise _no_levels(f"num_train_timesteps {levels!r}")
    if not 1 <= steps <= levels:
        raise SettingError(f"{steps} steps", f"1 to {levels}", "Choose another number of steps.")
    try:
        built: Any = SOLVERS[solver]({**betas, "prediction_type": kind}, steps)
        built.set_timesteps(steps)
    except Exception as error:  # of diffusers and torch, over whatever the configuration says
        raise _no_levels(" ".join(str(error).split())) from error
    if not all(0 < share <= 1 for share in built.alphas_cumprod.tolist()):
        raise _no_levels("noise that is less than none, or all there is")
    if hasattr(built, "set_begin_index"):
        # With many steps neighbours share a rounded timestep; looked up by value, the first would be skipped.
        built.set_begin_index(0)
    return built


def _no_levels(reason: str) -> CheckpointError:
    return CheckpointError(
        f"a scheduler_config.json that gives no noise levels ({reason})",
        "num_train_timesteps, and beta_start, beta_end and beta_schedule as diffusers knows them",
        "Install or download the checkpoint again.",
    )
