"""Trackers of a run, through accelerate: TensorBoard in the run's folder, and Weights & Biases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...errors import SettingError
from ..config import TrainingConfig
from .previews import Preview

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["TRACKERS", "Trackers"]

PROJECT = "art2mus"
"""The project of W&B."""


class Tracker(NamedTuple):
    """A kind of tracker.

    Attributes:
        package: the package that it needs.
        build: returns accelerate's tracker for a run's folder, its configuration and the number of steps that it resumes from.
        show: logs a preview at a step.
    """

    package: str
    build: Callable[[Path, TrainingConfig, int], Any]
    show: Callable[[Any, int, Preview], None]


def _tensorboard(run: Path, config: TrainingConfig, done: int) -> Any:  # noqa: ANN401, ARG001
    from accelerate.tracking import TensorBoardTracker  # noqa: PLC0415

    # what a stopped run logged beyond the state that it resumes from is forgotten
    return TensorBoardTracker("tensorboard", run, purge_step=done + 1)


def _show_in_tensorboard(tracker: Any, step: int, preview: Preview) -> None:  # noqa: ANN401
    writer, mono = tracker.tracker, preview.piece.samples[0].mean(0)  # TensorBoard refuses stereo
    writer.add_audio(f"previews/{preview.name}", mono, step, preview.piece.sample_rate)
    # tags of two kinds of data must differ
    writer.add_image(f"spectrograms/{preview.name}", np.asarray(preview.picture), step, dataformats="HWC")
    writer.flush()


def _wandb(run: Path, config: TrainingConfig, done: int) -> Any:  # noqa: ANN401, ARG001
    from accelerate.tracking import WandBTracker  # noqa: PLC0415

    return WandBTracker(PROJECT, dir=str(run), name=run.resolve().name, config=config.model_dump())


def _show_in_wandb(tracker: Any, step: int, preview: Preview) -> None:  # noqa: ANN401
    import wandb  # noqa: PLC0415

    sound, picture = wandb.Audio(str(preview.sound)), wandb.Image(preview.picture)
    tracker.log({f"previews/{preview.name}": sound, f"spectrograms/{preview.name}": picture}, step=step)


TRACKERS = {
    "tensorboard": Tracker("tensorboard", _tensorboard, _show_in_tensorboard),
    "wandb": Tracker("wandb", _wandb, _show_in_wandb),
}
"""The kinds of trackers, by their name in configurations."""


class Trackers:
    """The trackers that a configuration names; values go to all of them. Nothing is written until they are opened.

    Args:
        config: configuration of the run.
        run: its folder.
        accelerator: the accelerator of the training.
        done: number of steps that the run resumes from.

    Raises:
        ModuleNotFoundError: the package of a tracker is not installed.
    """

    def __init__(self, config: TrainingConfig, run: Path, accelerator: Accelerator, done: int = 0) -> None:
        self.config, self.run, self.accelerator, self.done = config, run, accelerator, done
        self.kinds = [TRACKERS[name] for name in dict.fromkeys(config.trackers)]
        for kind in self.kinds:
            import_module(kind.package)  # accelerate would leave out a missing one without a word

    def open(self) -> None:
        """Open them, unless they are open.

        Raises:
            SettingError: a tracker cannot be opened, such as W&B without an account.
        """
        kinds, self.kinds = self.kinds, []
        if not kinds:
            return
        self.accelerator.log_with.extend(kind.build(self.run, self.config, self.done) for kind in kinds)
        try:
            self.accelerator.init_trackers(PROJECT)
        except OSError:
            raise
        except Exception as error:  # W&B has many kinds
            raise SettingError(
                f"trackers {', '.join(self.config.trackers)}, which cannot be opened ({' '.join(str(error).split())})",
                "trackers that can be",
                "For W&B, run `wandb login`, or set the variable WANDB_MODE=offline; or choose another one.",
            ) from error

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log values of a step."""
        self.open()
        self.accelerator.log(dict(values), step=step)

    def show(self, step: int, previews: Sequence[Preview]) -> None:
        """Log sounds and pictures."""
        self.open()
        for tracker in self.accelerator.trackers:
            for preview in previews:
                TRACKERS[tracker.name].show(tracker, step, preview)

    def close(self) -> None:
        """Write what is not written yet."""
        for tracker in self.accelerator.trackers:  # `end_training` would also end the group of processes
            tracker.finish()
        self.accelerator.trackers.clear()
