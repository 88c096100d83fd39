"""The training loop of all stages, in one process or several."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checkpoints.memory import allocating, is_shortage
from ..errors import CheckpointError
from ..types import OnStep, Step
from .config import TrainingConfig
from .interrupts import undisturbed
from .objective import Objective
from .processes import accelerated, agreed, check_processes, shared
from .run.observing import Observer, finite, means_of, peak_memory
from .run.resuming import Origin, check_same, origin_of
from .run.saving import PROGRESS, newest, read_note, read_progress, state_folder, tidy, written
from .schedule import learning_rate_at
from .trainer import Trainer

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["train"]

AVERAGE_EVERY = 20
"""Number of steps over which the values of the history are averaged."""

NAMED = 8
"""Most pairs that an error names."""

History = list[dict[str, float]]

OnStart = Callable[[Objective, int, Origin], None]
"""Called with the objective, the number of its finished steps, and what it is trained on."""


def train(
    build: Callable[[], Objective],
    config: TrainingConfig,
    run: Path,
    *,
    accelerator: Accelerator | None = None,
    on_start: OnStart | None = None,
    on_step: OnStep | None = None,
    observer: Observer | None = None,
) -> tuple[Objective, History]:
    """Train one stage in the folder `run`, resuming from its newest undamaged state if there is one.

    Args:
        build: builds the objective; its initial weights are determined by the seed.
        config: configuration of the stage; `batch` counts the examples of all processes.
        run: folder of the states, which the first process writes.
        accelerator: joins the processes of the run (:func:`.processes.accelerated`); by default the CPU and a single process.
        on_start: called once before the first step, on the first process; until then the run's folder is as it was.
        on_step: called after every step; an exception raised there stops the run after its state is saved.
        observer: receives losses, results and previews, on the first process.

    Returns:
        The objective with its averaged weights, and the history of its loss and validation.

    Raises:
        SettingError: the batch cannot be shared by the processes, or a step does not fit into memory.
        CheckpointError: the loss or a weight is not finite, or all states are damaged, or the newest is of another run.
        OutputError: a state cannot be written.
    """
    if accelerator is None:
        with accelerated(config) as opened:
            hooks: dict[str, Any] = {"on_start": on_start, "on_step": on_step, "observer": observer}
            return train(build, config, run, accelerator=opened, **hooks)
    check_processes(config, accelerator.num_processes)
    progress = Progress(Trainer(build, config, accelerator), run, observer)
    progress.resume()
    if on_start and progress.is_first:
        on_start(progress.objective, progress.done, progress.origin)
    try:
        progress.record()
        while progress.done < config.steps:
            progress.step()
            progress.record()
            progress.save_if_due()
            if on_step:
                on_step(Step(progress.caption(), progress.done, config.steps))
    except BaseException:
        progress.rescue()
        raise
    progress.save()
    return progress.trainer.finished(), progress.history


class Progress:
    """How far a run is.

    Attributes:
        done: number of finished steps.
        history: averaged losses and validation results.
        recent: values of single steps that are not averaged into the history yet.
    """

    def __init__(self, trainer: Trainer, run: Path, observer: Observer | None) -> None:
        self.trainer, self.run = trainer, run
        self.config, self.objective = trainer.config, trainer.objective
        self.is_first = trainer.accelerator.is_main_process
        self.observer = observer if self.is_first else None
        self.done, self.history, self.recent = 0, History(), History()
        self.saved, self.previewed, self.saved_at, self.busy = -1, 0, time.monotonic(), 0.0
        self.origin = shared(lambda: origin_of(self.objective, sharded=trainer.sharded))

    def step(self) -> None:
        """Take one optimiser step.

        Raises:
            CheckpointError: the loss or the gradient is not finite; the message names the pairs.
            SettingError: memory is short.
        """
        began = time.monotonic()
        with allocating(f"a step of stage {self.config.stage} with a batch of {self.config.batch}"):
            values = self.trainer.gradients(self.done)
            for name in ("loss", "gradient norm")[: 1 if self.trainer.scaled else 2]:
                if not math.isfinite(values[name]):
                    raise self._not_finite(name, values[name])
            with undisturbed():
                self.trainer.update(self.done)
                self.done += 1
                self.recent.append(finite(values))
        self.busy += time.monotonic() - began

    def _not_finite(self, name: str, value: float) -> CheckpointError:
        """The error to raise, after the state before is saved; all processes come here at the same step."""
        self.save()
        ids = self.trainer.suspects(self.done)
        more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
        return CheckpointError(
            f"the {name} of stage {self.config.stage} is {value} at step {self.done}, with the pairs "
            f"{', '.join(ids[:NAMED])}{more}",
            "a finite number",
            f"The state before is {state_folder(self.run, self.done)}. Look at these pairs, or train in another folder with a "
            "lower learning rate or precision `no`.",
        )

    def record(self) -> None:
        """Add averaged losses and validation results to the history, and compose a preview, when they are due."""
        at, last = float(self.done), self.done == self.config.steps
        if self.recent and (self.done % AVERAGE_EVERY == 0 or last):
            means = means_of(self.recent)
            if self.observer:
                self.observer.stepped(self.done, {**means, **self._pace()})
            with undisturbed():
                self.history.append({"step": at, **means})
                self.recent, self.busy = [], 0.0
        validated = any(entry["step"] == at and "loss" not in entry for entry in self.history)
        due = self.done and not validated and (self.done % self.config.validate_every == 0 or last)
        if due and (results := self._validate()):
            self.history.append({"step": at, **results})
            if self.observer:
                self.observer.validated(self.done, results)
        self._preview(last=last)

    def _pace(self) -> dict[str, float]:
        """How fast the last steps were, with which learning rate, and how much memory they took."""
        return {
            "learning rate": learning_rate_at(self.done - 1, self.config),
            "examples per second": len(self.recent) * self.config.batch / self.busy if self.busy else math.nan,
            "peak memory": peak_memory(self.trainer.accelerator.device),
        }

    def _validate(self) -> dict[str, float]:
        """Validate the averaged weights, if there are validation pairs."""
        if not len(self.objective.validation_rows):
            return {}
        with self.trainer.averaged() as objective:
            results = objective.validate()
        return finite({f"validation {name}": float(value) for name, value in results.items()})

    def _preview(self, *, last: bool) -> None:
        every = self.config.preview_every
        if not every or self.done == self.previewed or (self.done % every and not last):
            return
        self.previewed = self.done
        with self.trainer.alone() as objective:
            if self.observer:
                self.observer.preview(self.done, objective)

    def caption(self) -> str:
        """The stage, with its loss if that was just averaged."""
        latest = self.history[-1] if self.history else {}
        return f"{self.config.stage} loss {latest['loss']:.4f}" if "loss" in latest else self.config.stage

    def save_if_due(self) -> None:
        """Save a state if the last one is `save_minutes` old."""
        due = time.monotonic() - self.saved_at > 60 * self.config.save_minutes
        if agreed(due and self.is_first, self.trainer.accelerator.device):
            self.save()

    def rescue(self) -> None:
        """Save what there is after an error, unless the weights are incomplete or memory is short again.

        With FSDP nothing is saved, because the other processes may be elsewhere.
        """
        if not self.trainer.sound or self.trainer.sharded:
            return
        try:
            self.save()
        except Exception as error:
            if not is_shortage(error):
                raise

    def save(self) -> None:
        """Save the state, if it is not saved yet, and delete those that are not to be kept.

        Raises:
            CheckpointError: weights are not finite.
            OutputError: it cannot be written; the states before are as they were.
        """
        if self.saved == self.done:
            return
        if not self.trainer.is_finite():
            self.trainer.sound = False
            raise CheckpointError(
                f"weights of stage {self.config.stage} that are not finite after {self.done} steps",
                "finite numbers",
                "They were not saved. Train in another folder with a lower learning rate or precision `no`.",
            )
        if self.is_first:
            note = {"step": self.done, "config": self.config.model_dump(mode="json"), **self.origin}
            with written(state_folder(self.run, self.done), note) as partial:
                self.trainer.write(partial)
                progress = {"history": self.history, "recent": self.recent}
                (partial / PROGRESS).write_text(json.dumps(progress, allow_nan=False) + "\n", encoding="utf-8")
            tidy(self.run, self.config.keep)
        elif self.trainer.sharded:
            self.trainer.write(self.run)  # takes part
        self.saved, self.saved_at = self.done, time.monotonic()

    def resume(self) -> None:
        """Resume from the newest undamaged state, if there is one.

        Raises:
            CheckpointError: all states are damaged, or it belongs to another configuration, other pairs or other parts.
        """
        if state := newest(self.run):
            note, progress = read_note(state), read_progress(state)
            check_same(state, note, self.objective, self.origin)
            self.trainer.read(state)
            self.history, self.recent = [[*map(finite, progress[name])] for name in ("history", "recent")]
            self.done = self.saved = self.previewed = int(note["step"])
        if self.is_first:
            tidy(self.run)
