"""Takes the steps of a run: gradients, updates and the moving average, on what accelerate prepared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..checkpoints.tensors import read_tensors, save_tensors
from ..errors import CheckpointError
from .averages import MovingAverage
from .batches import Draw, seeded
from .config import TrainingConfig
from .objective import Objective
from .processes import agreed, averaged, gathered
from .run.saving import AVERAGE, TRAINED, read_average
from .schedule import learning_rate_at
from .sharding import choose_units, is_sharded, put, read_optimiser, whole, write_optimiser

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["Trainer"]


class Trainer:
    """An objective with its optimiser and the moving average of its weights, on the processes of an accelerator.

    Args:
        build: builds the objective, of which only `trained` is trained.
        config: configuration of the stage.
        accelerator: of :func:`.processes.accelerated`.

    Attributes:
        sound: whether all weights have made the same number of updates.
        sharded: whether each process has only a part of the weights (FSDP).
    """

    def __init__(self, build: Callable[[], Objective], config: TrainingConfig, accelerator: Accelerator) -> None:
        self.build, self.config, self.accelerator, self.sound = build, config, accelerator, True
        with accelerator.main_process_first():
            self.objective = objective = self._built()
        objective.check_shared(accelerator.num_processes)
        self.sharded = is_sharded(accelerator)
        if self.sharded:
            choose_units(accelerator, objective)
        for network in objective.compiled() if config.compile else []:
            network.compile()
        self.parameters = [p for p in objective.trained.parameters() if p.requires_grad]
        groups, self.scales = parameter_groups(objective, config.learning_rate)
        decay: dict[str, Any] = {"betas": config.betas, "weight_decay": config.weight_decay}
        optimiser = torch.optim.AdamW(groups, lr=config.learning_rate, **decay)
        self.model: Any
        self.optimiser: Any
        self.model, self.optimiser = accelerator.prepare(objective, optimiser)
        if self.sharded:
            from torch.distributed.fsdp import register_fsdp_forward_method  # noqa: PLC0415 - torch 2.6

            # in the order of the whole objective, because accelerate compares tensors of two lists that are equally long
            self.parameters = [p for p in objective.parameters() if p.requires_grad]
            register_fsdp_forward_method(objective, "validate")
        self.average = MovingAverage(objective.trained, config.ema)
        accelerator.register_save_state_pre_hook(lambda _models, weights, _folder: weights.clear())
        accelerator.register_load_state_pre_hook(lambda models, _folder: models.clear())
        accelerator.step = 0  # of the accumulation
        self.values = dict[str, Tensor]()

    def _built(self) -> Objective:
        with seeded(self.config.seed, torch.device("cpu")):
            return self.build()

    def gradients(self, step: int) -> dict[str, float]:
        """Compute the gradients of a step; the seed and the step's number determine its draws, so that a resumed run is the same.

        Returns:
            Means of the loss and its terms over all processes, and the norm of the gradient before it was clipped; a loss
            that is not finite in one process is infinite in all.
        """
        self.model.train()
        parts = [self._part(step, index) for index in range(self.config.accumulate)]
        self.values = values = {name: torch.stack([part[name] for part in parts]) for name in parts[0]}
        means = averaged({**values, "loss": values["loss"].where(values["loss"].isfinite(), math.inf)})
        norm = self.accelerator.clip_grad_norm_(self.parameters, self.config.clip)
        return {**means, "gradient norm": float(whole(norm))}

    def _part(self, step: int, index: int) -> dict[str, Tensor]:
        """Add the gradients of a part of this process's examples; the parts follow each other to save memory."""
        draw, device = self._draw(step, index), self.accelerator.device
        dropout = int(draw.rng.integers(2**62)) + draw.rank
        batch = self.objective.batch(draw).to(device)
        with self.accelerator.accumulate(self.model):
            with seeded(dropout, device):
                loss, terms = self.model(batch)
            self.accelerator.backward(loss)
        return {name: value.detach().float() for name, value in {"loss": loss, **terms}.items()}

    def _draw(self, step: int, index: int) -> Draw:
        here, parts = self.accelerator.process_index, self.config.accumulate
        rng = np.random.default_rng((self.config.seed, step))
        return Draw(rng, self.config.batch, here * parts + index, self.accelerator.num_processes * parts)

    @property
    def scaled(self) -> bool:
        """Whether losses are scaled (fp16), and an update is left out if its gradients are too large for the format."""
        return self.accelerator.scaler is not None

    def suspects(self, step: int) -> list[str]:
        """The ids of the pairs of a step's batch, of all processes.

        Only those in parts of the batch in which a term of the loss is not finite, and drawn for that term, if there are any.
        """
        draw = self._draw(step, 0)
        draw.rng.integers(2**62)  # as for dropout
        self.objective.batch(draw)
        lost, every = list[np.ndarray](), list[np.ndarray]()
        for term, rows in draw.drawn.items():
            values = gathered(self.values.get(term, self.values["loss"]))
            parts = np.array_split(rows, len(values))
            every += parts
            lost += [part for part, value in zip(parts, values, strict=True) if not value.isfinite()]
        pairs = self.objective.data.pairs
        return [pairs[row].id for row in np.concatenate(lost or every)]

    def is_finite(self) -> bool:
        """Whether all that a state would have is finite; with FSDP all processes have to call this together."""
        moments = [value for each in self.optimiser.state.values() for value in each.values()]
        numbers = [*self.objective.trained.state_dict().values(), *self.average.values.values(), *moments]
        own = [value.to_local() if hasattr(value, "to_local") else value for value in numbers]
        lost = not all(bool(value.isfinite().all()) for value in own if isinstance(value, Tensor))
        return not (agreed(lost, self.accelerator.device) if self.sharded else lost)

    def update(self, step: int) -> None:
        """Update the weights by the gradients, and then their average."""
        for group, scale in zip(self.optimiser.param_groups, self.scales, strict=True):
            group["lr"] = scale * learning_rate_at(step, self.config)
        self.sound = False
        self.optimiser.step()
        self.average.update(first=step == 0)
        self.sound = True
        self.optimiser.zero_grad(set_to_none=True)

    @contextmanager
    def averaged(self) -> Iterator[Objective]:
        """The objective in evaluation mode, with its averaged weights during the block."""
        with self.average.in_use(), torch.no_grad():
            yield self.objective.eval()

    @contextmanager
    def alone(self) -> Iterator[Objective]:
        """The same for use in a single process, which with FSDP gets an objective of its own."""
        if not self.sharded:
            with self.averaged() as objective:
                yield objective
            return
        with torch.no_grad():
            yield self._gathered()

    def _gathered(self) -> Objective:
        """An objective with the averaged weights of all processes, in the first of them; the others get the shared one."""
        values = {name: whole(value) for name, value in self.average.tensors.items()}
        if not self.accelerator.is_main_process:
            return self.objective
        objective = self._built().to(self.accelerator.device)
        put(values, objective.trained.state_dict())
        return objective.eval()

    def write(self, folder: Path) -> None:
        """Write weights, optimiser and average to a folder, in the first process; with FSDP all have to call this together."""
        first = self.accelerator.is_main_process
        if self.sharded:
            write_optimiser(self.objective, self.optimiser.optimizer, folder, first=first)
        else:
            self.accelerator.save_state(str(folder))
            for each in folder.glob("random_states_*.pkl"):  # all draws follow from the step's number
                each.unlink()
        for name, tensors in ((TRAINED, self.objective.trained.state_dict()), (AVERAGE, self.average.tensors)):
            complete = {key: whole(value) for key, value in tensors.items()}
            if first:
                save_tensors(folder / name, complete)

    def read(self, folder: Path) -> None:
        """Read what :meth:`write` wrote; nothing in it is executed.

        Raises:
            CheckpointError: it has other content.
        """
        try:
            if self.sharded:
                read_optimiser(self.objective, self.optimiser.optimizer, folder, first=self.accelerator.is_main_process)
            else:
                self.accelerator.load_state(str(folder))
        except (RuntimeError, EOFError, UnpicklingError, KeyError, ValueError) as error:
            raise CheckpointError(
                f"{folder} cannot be read ({(str(error).splitlines() or [type(error).__name__])[0]})",
                "the state of a training run",
                "Delete it to resume from the one before.",
            ) from error
        put(read_tensors(folder / TRAINED)[0], self.objective.trained.state_dict())
        if self.average.decay:
            put(read_average(folder), self.average.values)

    def finished(self) -> Objective:
        """The objective in evaluation mode with its averaged weights; with FSDP complete in the first process alone."""
        if self.sharded:
            return self._gathered()
        self.average.put()
        self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
        return self.objective.eval()


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
