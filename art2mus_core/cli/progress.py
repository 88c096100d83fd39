"""Long work: quick imports, a progress bar, and waiting for another command that writes the same folder."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .streams import notify

if TYPE_CHECKING:
    from ..types import OnStep, Step

__all__ = ["alone_in", "importing", "notify_once", "reporting"]

QUIET = 30
"""Seconds between lines about the work where there is no terminal for a progress bar."""


@contextmanager
def importing() -> Iterator[None]:
    """Exclude everything that is imported in this block from garbage collection, now and later.

    Collection took one of the five seconds of processor time in which the neural libraries are imported.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
        atexit.register(_unfreeze)
    finally:
        gc.enable()


def _unfreeze() -> None:
    """Let the end of the program collect what triton and groups of processes would tell of or wait for; else nothing is searched."""
    if sys.modules.keys() & {"accelerate", "triton"}:
        gc.unfreeze()


@contextmanager
def reporting(batches: int = 1, *, first: str = "open", in_bytes: bool = False) -> Iterator[OnStep]:
    """An `on_step` that advances a progress bar on standard error, or prints a line now and then if that is not a terminal.

    Args:
        batches: how often the same stages are repeated.
        first: description before the first step.
        in_bytes: show steps as bytes.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:  # some versions of rich end the line of a disabled bar
        yield _in_lines(" bytes" if in_bytes else "")
        return
    from rich import progress

    columns: tuple[progress.ProgressColumn, ...] = (progress.DownloadColumn(), progress.TransferSpeedColumn())
    if not in_bytes:
        columns = (progress.TimeElapsedColumn(), progress.TextColumn("done,"))
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        *columns,
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, progress.TextColumn("left"), console=console, transient=True) as bar:
        task = bar.add_task(first, total=None)
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


def _in_lines(unit: str) -> OnStep:
    """An `on_step` for a file of messages: it prints a line after some seconds without one."""
    told = time.monotonic()

    def tell(step: Step) -> None:
        nonlocal told
        if time.monotonic() - told > QUIET and step.total > 1:
            notify(f"{step.stage}: {step.done:,} of {step.total:,}{unit}")
            told = time.monotonic()

    return tell


@contextmanager
def alone_in(folder: Path, work: str) -> Iterator[None]:
    """Lock `folder` as :func:`..locking.alone` does; a command that has to wait prints so once, on standard error.

    Of the processes that a launcher starts for one training, the first locks the folder for all.
    """
    from ..locking import alone

    if os.environ.get("RANK", "0") != "0":
        yield
        return
    with alone(folder, work, notify_once()):
        yield


def notify_once() -> Callable[[str], None]:
    """A function that prints each sentence only the first time."""
    printed = set[str]()

    def on_wait(sentence: str) -> None:
        if sentence not in printed:
            printed.add(sentence)
            notify(f"{sentence}; Ctrl-C to stop")

    return on_wait
