"""The training loop: the same for every stage, on whatever device accelerate finds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..checkpoints.precision import imitates
from ..errors import CheckpointError
from ..types import OnStep, Step
from .config import TrainingConfig
from .objective import Objective
from .state import load_state, save_state

__all__ = ["STATE", "train"]

STATE = "state.pt"
AVERAGE_EVERY = 20
"""Steps over which figures of the history are averaged."""

History = list[dict[str, float]]


def learning_rate_at(step: int, config: TrainingConfig) -> float:
    """Linear warm-up, then a cosine down to `final_share`; from each restart to the next, the same again."""
    bounds = [0, *(restart for restart in config.restarts if restart < config.steps), config.steps]
    begin, end = next((a, b) for a, b in pairwise(bounds) if step < b)
    warm = max(1, round(config.warmup * (end - begin)))
    if step - begin < warm:
        return config.learning_rate * (step - begin + 1) / warm
    along = (step - begin - warm) / max(1, end - begin - warm)
    share = config.final_share + (1 - config.final_share) * 0.5 * (1 + math.cos(math.pi * along))
    return config.learning_rate * share


def train(
    build: Callable[[], Objective], config: TrainingConfig, run: Path, *, on_step: OnStep | None = None
) -> tuple[Objective, History]:
    """Train one stage in the folder `run`, going on from its saved state if there is one.

    Args:
        build: makes the objective; called after the seed is set, so that initial weights follow from it.
        config: the stage.
        run: where the state is kept.
        on_step: called after every step; an exception raised there stops the run after its state is saved.

    Returns:
        The objective with the averaged weights in place, and the history of its figures.
    """
    torch.manual_seed(config.seed)
    objective = build()
    accelerator = Accelerator(mixed_precision=_autocast(config.precision, PartialState().device))
    parameters = [p for p in objective.trained.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    average = AveragedModel(objective.trained, multi_avg_fn=get_ema_multi_avg_fn(config.ema)) if config.ema else None
    start, history = _resume(run / STATE, objective, optimiser, average, config)
    model, optimiser = accelerator.prepare(objective, optimiser)
    if average:
        average.to(accelerator.device)

    def save(step: int) -> None:
        if accelerator.is_main_process:
            save_state(run / STATE, _state(step, objective, optimiser, average, history=history, config=config))

    saved, done, sums = time.monotonic(), start, _Mean()
    try:
        for step in range(start, config.steps):
            sums.add(_train_step(model, objective, optimiser, accelerator, config, step=step))
            done = step + 1
            if average:
                average.update_parameters(objective.trained)
            if done % AVERAGE_EVERY == 0 or done == config.steps:
                history.append({"step": float(done), **sums.take()})
            if done % config.validate_every == 0 or done == config.steps:
                history.append({"step": float(done), **_validate(objective, average)})
            if time.monotonic() - saved > 60 * config.save_minutes:
                save(done)
                saved = time.monotonic()
            if on_step:
                on_step(Step(_caption(config.stage, history), done, config.steps))
    finally:
        save(done)
    _use_average(objective, average)
    return objective.eval(), history


def _autocast(precision: str, device: torch.device) -> str:
    """What accelerate calls the precision of a configuration on this device."""
    if precision == "auto":
        return "no" if imitates(device, torch.bfloat16) else "bf16"
    return precision


def _train_step(
    model: torch.nn.Module,
    objective: Objective,
    optimiser: torch.optim.Optimizer,
    accelerator: Accelerator,
    config: TrainingConfig,
    *,
    step: int,
) -> dict[str, float]:
    rng = np.random.default_rng((config.seed, step))
    torch.manual_seed(int(rng.integers(2**62)))
    for group in optimiser.param_groups:
        group["lr"] = learning_rate_at(step, config)
    batch = {name: tensor.to(accelerator.device) for name, tensor in objective.batch(rng, config.batch).items()}
    model.train()
    with accelerator.autocast():
        loss, figures = model(batch)
    if not torch.isfinite(loss):
        raise CheckpointError(
            f"the loss of stage {config.stage} is {float(loss.detach())} at step {step}",
            "a finite number",
            "Lower the learning rate, or resume with precision `no`.",
        )
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(objective.trained.parameters(), config.clip)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return {"loss": float(loss.detach()), **{name: float(value) for name, value in figures.items()}}


class _Mean:
    """Means of figures since the last taking."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def add(self, row: dict[str, float]) -> None:
        self.rows.append(row)

    def take(self) -> dict[str, float]:
        rows, self.rows = self.rows, []
        return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def _caption(stage: str, history: History) -> str:
    return f"{stage} loss {history[-1]['loss']:.4f}" if history and "loss" in history[-1] else stage


def _validate(objective: Objective, average: AveragedModel | None) -> dict[str, float]:
    """Figures of the averaged weights; the trained ones are put back afterwards."""
    kept = {name: value.clone() for name, value in objective.trained.state_dict().items()}
    try:
        _use_average(objective, average)
        objective.eval()
        with torch.no_grad():
            figures = objective.validate()
    finally:  # a run stopped here must save the trained weights, not their average
        objective.trained.load_state_dict(kept)
    return {f"validation {name}": float(value) for name, value in figures.items()}


def _use_average(objective: Objective, average: AveragedModel | None) -> None:
    if average:
        objective.trained.load_state_dict(average.module.state_dict())


def _state(
    step: int,
    objective: Objective,
    optimiser: torch.optim.Optimizer,
    average: AveragedModel | None,
    *,
    history: History,
    config: TrainingConfig,
) -> dict[str, Any]:
    return {
        "step": step,
        "trained": objective.trained.state_dict(),
        "optimiser": optimiser.state_dict(),
        "average": average.state_dict() if average else None,
        "history": history,
        "config": config.model_dump(),
    }


def _resume(
    path: Path,
    objective: Objective,
    optimiser: torch.optim.Optimizer,
    average: AveragedModel | None,
    config: TrainingConfig,
) -> tuple[int, History]:
    if not path.is_file():
        return 0, []
    state = load_state(path)
    if not isinstance(state, dict) or not {"step", "trained", "optimiser", "average", "history", "config"} <= set(
        state
    ):
        raise CheckpointError(
            f"{path} holds something else", "the state of a training run", "Choose another run folder."
        )
    if state["config"]["model"] != config.model or state["config"]["stage"] != config.stage:
        raise CheckpointError(
            f"{path} was made by stage {state['config']['stage']} with sizes {state['config']['model']}",
            f"stage {config.stage} with sizes {config.model}",
            "Choose another run folder, or delete this one to start again.",
        )
    objective.trained.load_state_dict(state["trained"])
    optimiser.load_state_dict(state["optimiser"])
    if average and state["average"]:
        average.load_state_dict(state["average"])
    return int(state["step"]), list(state["history"])
