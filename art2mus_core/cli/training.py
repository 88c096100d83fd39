"""What `art2mus train` says: what will be trained, for how long, and what there is when it is done."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .outputs import print_document, print_lines, table
from .progress import alone_in, reporting
from .streams import notify

if TYPE_CHECKING:
    from ..training.config import TrainingConfig
    from ..training.objective import Objective
    from ..training.run.outlook import Outlook
    from ..training.run.resuming import Origin
    from ..types import OnStep, Step

__all__ = ["Task", "carry_out", "check_watching", "print_outlook", "print_trained", "warned"]

WARM, TIMED = 2, 5
"""Steps after the first ones, which are slower, from whose time the length of the run is estimated."""

NAMED = 3
"""Files that are named because they are left out."""

WORTH = 20
"""Seconds of training below which its length is not told."""


@dataclass(frozen=True)
class Task:
    """A training as the user asked for it.

    Attributes:
        config: its configuration.
        data: the dataset.
        checkpoint: the parts on which it trains.
        run: folder of its states and documents.
        adds: whether the trained part is added to the checkpoint; otherwise `art2mus export` writes it.
    """

    config: TrainingConfig
    data: Path
    checkpoint: Path
    run: Path
    adds: bool


def carry_out(task: Task, command: list[str]) -> list[dict[str, float]] | None:
    """Train, or resume the training.

    Returns:
        The history of losses and results; None in all processes but the first.
    """
    import torch

    from ..training.loop import train
    from ..training.processes import accelerated
    from ..training.run.documents import begin, continue_run, is_begun, machine
    from ..training.stages import stage_builder
    from ..training.watching.watcher import watch, write_history
    from .devices import choose_device, warn_if_emulated

    config, device = task.config, choose_device("auto")
    if config.precision == "bf16":
        warn_if_emulated(torch.bfloat16, device, "precision: auto in the configuration")
    with (
        reporting() as on_step,
        alone_in(task.run, f"training of {config.stage}"),
        accelerated(config, device) as accelerator,
        warned(),
    ):
        main, made_on = accelerator.is_main_process, machine(accelerator.device, accelerator.num_processes)
        build = stage_builder(config, task.data, task.checkpoint, on_step if main else None, device=accelerator.device)
        if not main:
            train(build, config, task.run, accelerator=accelerator)
            return None
        with watch(config, task.checkpoint, task.run, accelerator, on_note=notify) as watcher:

            def start(objective: Objective, done: int, origin: Origin) -> None:
                _announce(objective, task)
                if is_begun(task.run):
                    continue_run(task.run, config, done, command, made_on)
                else:
                    begin(task.run, objective, origin, command, made_on)
                watcher.trackers.open()

            hooks: dict[str, Any] = {"on_start": start, "on_step": _paced(on_step, config), "observer": watcher}
            objective, history = train(build, config, task.run, accelerator=accelerator, **hooks)
        if task.adds:
            objective.export(task.checkpoint)
        write_history(task.run, config.stage, history)
    return history


def _announce(objective: Objective, task: Task) -> None:
    """Say in one line what will be trained, on how many pairs, for how many steps, and where it will lie; in another what is left out."""
    from ..training.run.documents import RUN, weights_of

    config, count, train = task.config, weights_of(objective), len(objective.train_rows)
    result = f", result in {task.checkpoint}" if task.adds else ""
    notify(
        f"{config.stage}: {count['trained']:,} weights are trained and {count['frozen']:,} frozen, on {train:,} pairs "
        f"({len(objective.validation_rows):,} for validation), in {config.steps:,} steps of {config.batch} "
        f"({_epochs(config, train)}); run in {task.run}{result}"
    )
    if left := objective.data.left_out:
        notify(
            f"{len(left):,} of {len(objective.data.pairs):,} pairs are left out, because a file cannot be used: "
            f"{objective.data.why_left_out(NAMED)}; {task.run / RUN} counts the faults"
        )


@contextmanager
def warned() -> Iterator[None]:
    """Print the warnings of this block that are for the user, such as a damaged state, as one line each."""
    from ..training.run.saving import DamagedStateWarning

    with warnings.catch_warnings():
        warnings.simplefilter("always", DamagedStateWarning)
        usual, told = warnings.showwarning, set[str]()  # several parts of the program look for the newest state

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:  # noqa: ANN401
            if not issubclass(category, DamagedStateWarning):
                usual(message, category, *place, **more)
            elif str(message) not in told:
                told.add(str(message))
                notify(str(message))

        warnings.showwarning = show
        yield


def _paced(on_step: OnStep, config: TrainingConfig) -> OnStep:
    """An `on_step` that says after a few steps how long the others will take.

    Args:
        on_step: is called, too.
        config: of the training; steps of other work, such as features, are not counted.
    """
    seen, start = 0, 0.0

    def pace(step: Step) -> None:
        nonlocal seen, start
        on_step(step)
        if step.total != config.steps or step.stage.split()[0] != config.stage:
            return
        seen += 1
        if seen == WARM:
            start = time.monotonic()
        if seen == WARM + TIMED:
            left = (time.monotonic() - start) / TIMED * (step.total - step.done)
            if left > WORTH:
                notify(f"the other {step.total - step.done:,} steps take about {_duration(left)}")

    return pace


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60:,} h {minutes % 60} min"


def _epochs(config: TrainingConfig, train: int) -> str:
    times = config.steps * config.batch / max(1, train)
    return f"{times:,.0f} times each pair" if times >= 100 else f"{times:.3g} times each pair"


def check_watching(task: Task) -> None:
    """Check what a training would watch itself with, as far as that is known before it.

    Raises:
        ModuleNotFoundError: the package of a tracker is not installed.
        SettingError: previews that cannot be.
        CheckpointError: the vocoder of previews is missing or damaged.
        ArtworkError: an artwork of the previews cannot be read.
        DatasetError: the validation split has nothing for previews.
    """
    from ..training.watching.performing import check_previews, check_works
    from ..training.watching.previews import Previews
    from ..training.watching.trackers import TRACKERS

    config = task.config
    for name in config.trackers:
        import_module(TRACKERS[name].package)
    check_previews(config, task.checkpoint)
    check_works(config, task.data, task.checkpoint)
    if config.preview_every:
        Previews(Path()).choose([Path(path) for path in config.previews])


def print_outlook(outlook: Outlook, task: Task, *, as_json: bool) -> None:
    """Print the sizes of a training that is not begun."""
    if as_json:
        print_document({"run": str(task.run), **outlook.document()})
        return
    train, validation = outlook.pairs["train"], outlook.pairs["validation"]
    features = [
        (f"features, {each.name}", f"{'stored' if each.there else 'missing'}, about {each.bytes / 1e6:,.1f} MB")
        for each in outlook.features
    ]
    rows = [
        ("stage", outlook.stage),
        ("pairs", f"{train:,} for training, {validation:,} for validation"),
        *((f"weights, {name}", f"{count:,}") for name, count in outlook.weights.items()),
        ("steps", f"{outlook.steps:,} of {outlook.batch}: {_epochs(task.config, train)}"),
        *((f"memory, {name}", f"{size / 1e9:,.2f} GB") for name, size in outlook.memory.items()),
        *features,
        ("run", str(task.run)),
        *([("result", str(task.checkpoint))] if task.adds else []),
    ]
    print_lines(*table(rows), "Nothing was computed or written.")


def print_trained(task: Task, history: list[dict[str, float]], *, as_json: bool) -> None:
    """Print the result of a training, and the command that follows."""
    config = task.config
    values = {k: v for entry in history for k, v in entry.items() if k.startswith("validation ")}
    if as_json:
        out = str(task.checkpoint) if task.adds else None
        print_document({"stage": config.stage, "steps": config.steps, "out": out, "run": str(task.run), **values})
        return
    results = "".join(f", {name} {value:.4g}" for name, value in values.items())
    following = _following(task)
    print_lines(f"{config.stage}: {config.steps:,} steps{results}", *([f"Next: {following}"] if following else []))


def _following(task: Task) -> str | None:
    """The command that uses what was trained."""
    from ..checkpoints.names import quoted

    if task.config.stage != "aligner":
        return None
    if not task.adds:
        return f"art2mus export {quoted(task.run)}"
    name = task.config.options.get("name", "model")
    return f"art2mus compose ARTWORK --model {quoted(task.checkpoint)} --aligner {quoted(name)}"
