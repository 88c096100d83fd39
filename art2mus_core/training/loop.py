"""The training loop: the same for every stage, in one process or in several."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..checkpoints.precision import imitates
from ..errors import CheckpointError, SettingError
from ..types import OnStep, Step
from .config import TrainingConfig
from .draws import Draw, seeded
from .interrupts import undisturbed
from .objective import Objective
from .processes import Place, averaged
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
    build: Callable[[], Objective],
    config: TrainingConfig,
    run: Path,
    *,
    place: Place | None = None,
    on_step: OnStep | None = None,
) -> tuple[Objective, History]:
    """Train one stage in the folder `run`, going on from its saved state if there is one.

    Args:
        build: makes the objective; first weights follow from the seed.
        config: the stage; `batch` counts the examples of all processes.
        run: where the state is kept; the first process writes it.
        place: where to compute; without one, on the CPU and alone.
        on_step: called after every step; an exception raised there stops the run after its state is saved.

    Returns:
        The objective with the averaged weights in place, and the history of its figures.

    Raises:
        SettingError: processes that don't divide the batch.
        CheckpointError: a loss that is not finite, or a state that is damaged or of another run.
    """
    place = place or Place()
    if config.batch % place.count:
        raise SettingError(
            f"a batch of {config.batch} for {place.count} processes",
            f"a multiple of {place.count}",
            "Change the batch.",
        )
    with place.one_first(), seeded(config.seed, torch.device("cpu")):
        objective = build()
    progress = Progress(objective.to(place.device), config, place)
    progress.resume(run / STATE)
    saved = time.monotonic()
    try:
        progress.record()
        while progress.done < config.steps:
            progress.step()
            progress.record()
            if place.rank == 0 and time.monotonic() - saved > 60 * config.save_minutes:
                save_state(run / STATE, progress.state())
                saved = time.monotonic()
            if on_step:
                on_step(Step(progress.caption(), progress.done, config.steps))
    finally:
        if place.rank == 0:
            save_state(run / STATE, progress.state())
    progress.use_average()
    return objective.eval(), progress.history


class Progress:
    """A run between two steps, and what takes it to the next.

    Attributes:
        done: steps so far.
        history: figures so far.
        recent: figures of single steps that are not averaged into the history yet.
    """

    def __init__(self, objective: Objective, config: TrainingConfig, place: Place) -> None:
        self.objective, self.config, self.place = objective, config, place
        parameters = [p for p in objective.trained.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
        self.average = (
            AveragedModel(objective.trained, multi_avg_fn=get_ema_multi_avg_fn(config.ema)) if config.ema else None
        )
        self.model: nn.Module = objective
        if place.count > 1:
            self.model = DistributedDataParallel(objective)
        self.half = config.precision == "bf16" or (
            config.precision == "auto" and not imitates(place.device, torch.bfloat16)
        )
        self.done, self.history, self.recent = 0, History(), History()

    def step(self) -> None:
        """One step of the optimiser. Its draws follow from the seed and its number, so that a resumed run draws the same."""
        config, device = self.config, self.place.device
        rng = np.random.default_rng((config.seed, self.done))
        dropout = int(rng.integers(2**62)) + self.place.rank
        batch = self.objective.batch(Draw(rng, config.batch, self.place.rank, self.place.count)).to(device)
        self.model.train()
        with seeded(dropout, device), torch.autocast(device.type, torch.bfloat16, enabled=self.half):
            loss, figures = self.model(batch)
        told = averaged({"loss": loss, **figures})
        if not math.isfinite(told["loss"]):
            raise CheckpointError(
                f"the loss of stage {config.stage} is {told['loss']} at step {self.done}",
                "a finite number",
                "Lower the learning rate, or resume with precision `no`.",
            )
        loss.backward()
        nn.utils.clip_grad_norm_(self.objective.trained.parameters(), config.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate_at(self.done, config)
        with undisturbed():
            self.optimiser.step()
            if self.average:
                self.average.update_parameters(self.objective.trained)
            self.done += 1
            self.recent.append(told)
        self.optimiser.zero_grad(set_to_none=True)

    def record(self) -> None:
        """Add to the history what is due after a step and is not in it yet."""
        at, last = float(self.done), self.done == self.config.steps
        with undisturbed():
            if self.recent and (self.done % AVERAGE_EVERY == 0 or last):
                names = self.recent[0]
                means = {name: sum(row[name] for row in self.recent) / len(self.recent) for name in names}
                self.history.append({"step": at, **means})
                self.recent = []
        validated = any(row["step"] == at and "loss" not in row for row in self.history)
        if self.done and not validated and (self.done % self.config.validate_every == 0 or last):
            figures = self._validate()
            if figures:
                self.history.append({"step": at, **figures})

    def _validate(self) -> dict[str, float]:
        """Figures of the averaged weights; the trained ones are put back afterwards."""
        kept = {name: value.clone() for name, value in self.objective.trained.state_dict().items()}
        try:
            self.use_average()
            self.objective.eval()
            with torch.no_grad():
                figures = self.objective.validate()
        finally:  # a run stopped here must save the trained weights, not their average
            self.objective.trained.load_state_dict(kept)
        return {f"validation {name}": float(value) for name, value in figures.items()}

    def use_average(self) -> None:
        """Put the averaged weights in place of the trained ones."""
        if self.average:
            self.objective.trained.load_state_dict(self.average.module.state_dict())

    def caption(self) -> str:
        """The stage, and its loss if it was just averaged."""
        latest = self.history[-1] if self.history else {}
        return f"{self.config.stage} loss {latest['loss']:.4f}" if "loss" in latest else self.config.stage

    def state(self) -> dict[str, Any]:
        """All that :meth:`resume` needs."""
        return {
            "step": self.done,
            "trained": self.objective.trained.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state_dict() if self.average else None,
            "history": self.history,
            "recent": self.recent,
            "config": self.config.model_dump(),
        }

    def resume(self, path: Path) -> None:
        """Go on from a saved state, if there is one.

        Raises:
            CheckpointError: it is damaged, or of another stage or other sizes.
        """
        if not path.is_file():
            return
        state = load_state(path)
        if not isinstance(state, dict) or not {"step", "trained", "optimiser", "average", "history", "config"} <= set(
            state
        ):
            raise CheckpointError(
                f"{path} holds something else", "the state of a training run", "Choose another run folder."
            )
        ours = self.config.model_dump()
        made = {name: state["config"].get(name, ours[name]) for name in ("stage", "model", "mel")}
        if other := [name for name, value in made.items() if value != ours[name]]:
            raise CheckpointError(
                f"{path} was made by stage {made['stage']} with {', '.join(f'{name} {made[name]}' for name in other)}",
                f"{', '.join(f'{name} {ours[name]}' for name in other)}, as in the configuration",
                "Choose another run folder, or delete this one to start again.",
            )
        self.objective.trained.load_state_dict(state["trained"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.average and state["average"]:
            self.average.load_state_dict(state["average"])
        self.done, self.history = int(state["step"]), list(state["history"])
        self.recent = list(state.get("recent", []))
