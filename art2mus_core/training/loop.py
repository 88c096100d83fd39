"""The training loop of all stages, in one process or several."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..checkpoints.precision import imitates
from ..errors import CheckpointError, SettingError
from ..types import OnStep, Step
from .batches import Draw, seeded
from .config import TrainingConfig
from .objective import Objective
from .processes import Place, averaged
from .state import load_state, save_state, undisturbed

__all__ = ["STATE", "train"]

STATE = "state.pt"
AVERAGE_EVERY = 20
"""Number of steps over which the values of the history are averaged."""

History = list[dict[str, float]]


def learning_rate_at(step: int, config: TrainingConfig) -> float:
    """The learning rate at a step: a linear warm-up, then a cosine down to `final_share`, repeated after each restart."""
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
    """Train one stage in the folder `run`, resuming from its saved state if there is one.

    Args:
        build: builds the objective; its initial weights are determined by the seed.
        config: configuration of the stage; `batch` counts the examples of all processes.
        run: folder of the state, which the first process writes.
        place: device and rank of this process; by default the CPU and a single process.
        on_step: called after every step; an exception raised there stops the run after its state is saved.

    Returns:
        The objective with its averaged weights, and the history of its loss and validation.

    Raises:
        SettingError: the batch is not divisible by the number of processes.
        CheckpointError: the loss is not finite, or the state is damaged or of another run.
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


def parameter_groups(objective: Objective, rate: float) -> tuple[list[dict[str, Any]], list[float]]:
    """AdamW's groups of weights, and the factors of their learning rates: parts with a rate of their own come last.

    Args:
        objective: the objective.
        rate: the configuration's peak learning rate.
    """
    parts = [objective.trained[name].parameters() for name in objective.rates]
    own = [[weight for weight in part if weight.requires_grad] for part in parts]
    apart = {weight for part in own for weight in part}
    shared = [weight for weight in objective.trained.parameters() if weight.requires_grad and weight not in apart]
    return [{"params": part} for part in (shared, *own)], [1.0, *(each / rate for each in objective.rates.values())]


def reordered(saved: dict[str, Any], stored: list[str], names: list[str]) -> dict[str, Any]:
    """An AdamW state, which numbers weights in the order of the network that saved it, in the order of `names`.

    Args:
        saved: the state.
        stored: names in the saved network, in its order; names of other values than the weights are ignored.
        names: names of the trained weights, in the present order.
    """
    wanted = set(names)
    moments = {name: saved["state"].get(at) for at, name in enumerate(name for name in stored if name in wanted)}
    return {**saved, "state": {at: moments[name] for at, name in enumerate(names) if moments[name] is not None}}


class Progress:
    """The state of a run.

    Attributes:
        done: number of finished steps.
        history: averaged losses and validation results.
        recent: losses of single steps that are not averaged into the history yet.
    """

    def __init__(self, objective: Objective, config: TrainingConfig, place: Place) -> None:
        self.objective, self.config, self.place = objective, config, place
        groups, self.scales = parameter_groups(objective, config.learning_rate)
        self.optimiser = torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)
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
        """Take one optimiser step; the seed and the step's number determine its draws, so that a resumed run is the same."""
        config, device = self.config, self.place.device
        rng = np.random.default_rng((config.seed, self.done))
        dropout = int(rng.integers(2**62)) + self.place.rank
        batch = self.objective.batch(Draw(rng, config.batch, self.place.rank, self.place.count)).to(device)
        self.model.train()
        with seeded(dropout, device), torch.autocast(device.type, torch.bfloat16, enabled=self.half):
            loss, terms = self.model(batch)
        values = averaged({"loss": loss, **terms})
        if not math.isfinite(values["loss"]):
            raise CheckpointError(
                f"the loss of stage {config.stage} is {values['loss']} at step {self.done}",
                "a finite number",
                "Lower the learning rate, or resume with precision `no`.",
            )
        loss.backward()
        nn.utils.clip_grad_norm_(self.objective.trained.parameters(), config.clip)
        for group, scale in zip(self.optimiser.param_groups, self.scales, strict=True):
            group["lr"] = scale * learning_rate_at(self.done, config)
        with undisturbed():
            self.optimiser.step()
            if self.average:
                self.average.update_parameters(self.objective.trained)
            self.done += 1
            self.recent.append(values)
        self.optimiser.zero_grad(set_to_none=True)

    def record(self) -> None:
        """Add averaged losses and validation results to the history when they are due."""
        at, last = float(self.done), self.done == self.config.steps
        with undisturbed():
            if self.recent and (self.done % AVERAGE_EVERY == 0 or last):
                names = self.recent[0]
                means = {name: fmean(values[name] for values in self.recent) for name in names}
                self.history.append({"step": at, **means})
                self.recent = []
        validated = any(entry["step"] == at and "loss" not in entry for entry in self.history)
        due = self.done and not validated and (self.done % self.config.validate_every == 0 or last)
        if due and (results := self._validate()):
            self.history.append({"step": at, **results})

    def _validate(self) -> dict[str, float]:
        """Validate the averaged weights, if there are validation pairs, then restore the trained ones."""
        if not len(self.objective.validation_rows):
            return {}
        kept = {name: value.clone() for name, value in self.objective.trained.state_dict().items()}
        try:
            self.use_average()
            self.objective.eval()
            with torch.no_grad():
                results = self.objective.validate()
        finally:  # a run that is stopped here must save the trained weights
            self.objective.trained.load_state_dict(kept)
        return {f"validation {name}": float(value) for name, value in results.items()}

    def use_average(self) -> None:
        """Replace the trained weights by their average."""
        if self.average:
            self.objective.trained.load_state_dict(self.average.module.state_dict())

    def caption(self) -> str:
        """The stage, with its loss if that was just averaged."""
        latest = self.history[-1] if self.history else {}
        return f"{self.config.stage} loss {latest['loss']:.4f}" if "loss" in latest else self.config.stage

    def state(self) -> dict[str, Any]:
        """The content of the state file, for :meth:`resume`."""
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
        """Resume from a saved state, if there is one.

        Raises:
            CheckpointError: the state is damaged, or belongs to another stage or to other sizes.
        """
        if not path.is_file():
            return
        state = load_state(path)
        if not isinstance(state, dict) or not {"step", "trained", "optimiser", "average", "history", "config"} <= set(
            state
        ):
            raise CheckpointError(
                f"{path} is another kind of file", "the state of a training run", "Choose another run folder."
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
        names = [name for name, value in self.objective.trained.named_parameters() if value.requires_grad]
        self.optimiser.load_state_dict(reordered(state["optimiser"], list(state["trained"]), names))
        if self.average and state["average"]:
            self.average.load_state_dict(state["average"])
        self.done, self.history = int(state["step"]), list(state["history"])
        self.recent = list(state.get("recent", []))
