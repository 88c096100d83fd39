"""Watches a training run: its trackers, its history as a plot, and previews of what the part in training makes.

What fails while watching is noted, and the training goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...figures.paper import save_image
from ...figures.plots import draw_curve
from ...placing import place
from ..config import TrainingConfig
from ..objective import Objective
from ..run.observing import finite
from ..run.saving import newest, read_note, read_progress
from .performing import check_previews
from .previews import MEASURES, Previews, means, write_gallery
from .trackers import Trackers

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["Watcher", "watch", "write_history"]

VALIDATION = "validation "
"""Begins the names of validation results."""

BAND = "loss t "
"""Begins the names of losses by noise level."""

History = list[dict[str, float]]
OnNote = Callable[[str], None]


class Watcher:
    """Logs, plots and previews a run.

    Attributes:
        notes: what failed while watching, one sentence each.

    Args:
        config: configuration of the run.
        run: its folder.
        trackers: its trackers.
        previews: its previews.
        history: its history so far.
        on_note: called with each note when it arises.
    """

    def __init__(
        self,
        config: TrainingConfig,
        run: Path,
        trackers: Trackers,
        previews: Previews,
        history: History,
        *,
        on_note: OnNote = lambda _: None,
    ) -> None:
        self.config, self.run, self.trackers, self.previews = config, run, trackers, previews
        self.history, self.notes, self.on_note = history, list[str](), on_note

    def stepped(self, step: int, values: dict[str, float]) -> None:
        """Log values of training."""
        known = finite(values)
        self.history.append({"step": float(step), **known})
        with self._noted("values", step):
            self.trackers.log(step, {f"training/{name}": value for name, value in known.items()})

    def validated(self, step: int, results: dict[str, float]) -> None:
        """Log results of a validation, and write the history."""
        known = finite(results)
        self.history.append({"step": float(step), **known})
        with self._noted("values", step):
            self.trackers.log(
                step, {name.replace(VALIDATION, "validation/", 1): value for name, value in known.items()}
            )
        with self._noted("the history", step):
            write_history(self.run, self.config.stage, self.history)

    def preview(self, step: int, objective: Objective) -> None:
        """Perform the previews with the objective's weights, write them, and log them."""
        with self._noted("previews", step):
            previews = self.previews.perform(objective, step)
            heard = means([preview.values for preview in previews])
            self.trackers.log(step, {f"music/{MEASURES[name].title.lower()}": mean for name, mean in heard.items()})
            self.trackers.show(step, previews)
            write_gallery(self.previews, f"{self.run.resolve().name}: previews", self.notes)

    @contextmanager
    def _noted(self, what: str, step: int) -> Iterator[None]:
        """Note an error of the block instead of raising it; one of each kind."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - hours of training are worth more than what is seen of them
            reason = f"{what} are missing: {' '.join(str(error).split()) or type(error).__name__}"
            if not any(note.endswith(reason) for note in self.notes):
                self.notes.append(f"From step {step}, {reason}")
                self.on_note(self.notes[-1])

    def close(self) -> None:
        """Close the trackers."""
        with self._noted("values", int(self.history[-1]["step"]) if self.history else 0):
            self.trackers.close()


@contextmanager
def watch(
    config: TrainingConfig, checkpoint: Path, run: Path, accelerator: Accelerator, *, on_note: OnNote = lambda _: None
) -> Iterator[Watcher]:
    """Open the observer of a run, for :func:`~art2mus_core.training.loop.train`; the trackers are closed after the block.

    Args:
        config: configuration of the run.
        checkpoint: the folder with the parts that it trains on.
        run: its folder, from whose newest state the history continues.
        accelerator: the accelerator of the training.
        on_note: called with each note when it arises.

    Raises:
        SettingError: previews that cannot be, see :func:`~art2mus_core.training.watching.performing.check_previews`.
        ArtworkError: an artwork of the previews cannot be read.
        CheckpointError: all states of the run are damaged, or the vocoder of previews is.
        ModuleNotFoundError: the package of a tracker is not installed.
    """
    check_previews(config, checkpoint)
    previews = Previews(run / "previews")
    if config.preview_every:
        previews.choose([Path(path) for path in config.previews])
    state = newest(run)
    done, history = (read_note(state)["step"], read_progress(state)["history"]) if state else (0, [])
    watcher = Watcher(config, run, Trackers(config, run, accelerator, done), previews, history, on_note=on_note)
    try:
        yield watcher
    finally:
        watcher.close()


def write_history(run: Path, stage: str, history: Sequence[dict[str, float]]) -> None:
    """Write a history as `history.json`, and its losses as the plot `history.png`.

    Raises:
        OutputError: they cannot be written.
    """
    place(run / "history.json", (json.dumps(history, indent=1) + "\n").encode())
    names = dict.fromkeys(name for entry in history for name in entry)
    others = [name for name in names if name == f"{VALIDATION}loss" or name.startswith(BAND)]
    lines = {name: [(entry["step"], entry[name]) for entry in history if name in entry] for name in ("loss", *others)}
    save_image(draw_curve(lines.pop("loss"), title=f"{stage}: loss by step", others=lines), run / "history.png")
