"""Progress of long work on standard error, with the time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..types import OnStep, Step

__all__ = ["reporting"]


@contextmanager
def reporting(batches: int = 1) -> Iterator[OnStep]:
    """An `on_step` that moves a bar, where standard error is a terminal; elsewhere it keeps silent.

    Args:
        batches: how often the same steps are gone through.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:  # a bar that is disabled still ends its line in some versions
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("done,"))
    left = (TimeRemainingColumn(), TextColumn("left"))
    with Progress(*columns, *left, console=console, transient=True) as bar:
        task = bar.add_task("open", total=None)
        before = latest = 0

        def on_step(step: Step) -> None:
            nonlocal before, latest
            if step.total == 1:
                bar.update(task, description=step.stage)
                return
            before += latest if step.done < latest and batches > 1 else 0
            latest = step.done
            bar.update(task, total=step.total * batches, completed=before + latest, description=step.stage)

        yield on_step
