"""Takes the steps of a run: gradients, updates and the moving average, on what accelerate prepared."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..checkpoints.tensors import read_tensors, save_tensors
from .averages import MovingAverage
from .batches import Draw, seeded
from .config import TrainingConfig
from .objective import Objective
from .processes import averaged, gathered
from .saving import AVERAGE, TRAINED, read_average
from .schedule import learning_rate_at

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["Trainer"]


class Trainer:
    """An objective with its optimiser and the moving average of its weights, on the processes of an accelerator.

    Args:
        objective: the objective; only `objective.trained` is trained.
        config: configuration of the stage.
        accelerator: of :func:`.processes.accelerated`.

    Attributes:
        whole: whether all weights have made the same number of updates.
    """

    def __init__(self, objective: Objective, config: TrainingConfig, accelerator: Accelerator) -> None:
        self.objective, self.config, self.accelerator, self.whole = objective, config, accelerator, True
        self.parameters = [p for p in objective.trained.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(self.parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
        self.model: Any
        self.optimiser: Any
        self.model, self.optimiser = accelerator.prepare(objective, optimiser)
        self.average = MovingAverage(objective.trained, config.ema)
        accelerator.register_save_state_pre_hook(lambda _models, weights, _folder: weights.clear())
        accelerator.register_load_state_pre_hook(lambda models, _folder: models.clear())
        accelerator.step = 0  # of the accumulation
        self.losses = torch.zeros(config.accumulate)

    def gradients(self, step: int) -> dict[str, float]:
        """Compute the gradients of a step; the seed and the step's number determine its draws, so that a resumed run is the same.

        Returns:
            Means of the loss and its terms over all processes, and the norm of the gradient before it was clipped; a loss
            that is not finite in one process is infinite in all.
        """
        self.model.train()
        parts = [self._part(step, index) for index in range(self.config.accumulate)]
        values = {name: torch.stack([part[name] for part in parts]) for name in parts[0]}
        self.losses = values["loss"]
        means = averaged({**values, "loss": self.losses.where(self.losses.isfinite(), math.inf)})
        norm = self.accelerator.clip_grad_norm_(self.parameters, self.config.clip)
        return {**means, "gradient norm": float(norm)}

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
        """The ids of the pairs of a step's batch, of all processes; only those in parts whose loss is not finite, if there are any."""
        draw = self._draw(step, 0)
        draw.rng.integers(2**62)  # as for dropout
        self.objective.batch(draw)
        losses = gathered(self.losses)
        parts = np.array_split(draw.drawn[0], len(losses))
        lost = [part for part, loss in zip(parts, losses, strict=True) if not loss.isfinite()]
        return [self.objective.data.pairs[row].id for row in np.concatenate(lost or parts)]

    def update(self, step: int) -> None:
        """Update the weights by the gradients, and then their average."""
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate_at(step, self.config)
        self.whole = False
        self.optimiser.step()
        self.average.update(first=step == 0)
        self.whole = True
        self.optimiser.zero_grad(set_to_none=True)

    @contextmanager
    def averaged(self) -> Iterator[Objective]:
        """The objective in evaluation mode, with its averaged weights during the block."""
        with self.average.in_use(), torch.no_grad():
            yield self.objective.eval()

    def write(self, folder: Path) -> None:
        """Write weights, optimiser and average to a folder."""
        self.accelerator.save_state(str(folder))
        for each in folder.glob("random_states_*.pkl"):  # all draws follow from the step's number
            each.unlink()
        save_tensors(folder / TRAINED, self.objective.trained.state_dict())
        save_tensors(folder / AVERAGE, self.average.tensors)

    def read(self, folder: Path) -> None:
        """Read what :meth:`write` wrote."""
        self.accelerator.load_state(str(folder))
        self.objective.trained.load_state_dict(read_tensors(folder / TRAINED)[0])
        self.average.load(read_average(folder))

    def finished(self) -> Objective:
        """The objective in evaluation mode with its averaged weights, without accelerate's wrappers."""
        self.average.put()
        self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
        return self.objective.eval()
