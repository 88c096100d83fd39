"""`art2mus fetch`: bring a published checkpoint here, after showing its licence and size."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import SettingError

if TYPE_CHECKING:
    from ..checkpoints.fetching import Plan
    from ..types import OnStep, Step

__all__ = ["fetch"]


def fetch(
    name: Annotated[str, typer.Argument(help="As `art2mus models` lists it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: the licence is read and accepted.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Fetch every file anew, whatever is here.")] = False,
) -> None:
    """Fetch a checkpoint. Stop it with Ctrl-C and give the command again: it goes on where it was."""
    from ..checkpoints.cards import card
    from ..checkpoints.fetching import fetch as bring
    from ..checkpoints.fetching import plan
    from ..checkpoints.presence import look_for
    from .models import next_command
    from .presenting import print_line
    from .waiting import say_once

    chosen = plan(card(name), again=again)
    if not chosen.parcels:
        print_line(f"{name} is here: {chosen.folder}")
        print_line(f"To fetch it anew all the same: art2mus fetch {name} --again")
        return
    for line in _description(chosen):
        print_line(line)
    if not yes and not _agreed(name):
        print_line("Nothing was fetched.")
        return
    try:
        with _bytes_on_a_bar() as on_step:
            folder = bring(chosen, on_step, say_once())
    except KeyboardInterrupt:
        finished = ", but fetches finished files once more" if again else ""
        print_line(f"What has arrived is kept; the same command goes on from there{finished}.")
        raise
    print_line(f"{name} is here: {folder}")
    if command := next_command(look_for(chosen.card), anew=again):
        print_line(f"Next: {command}")


def _description(chosen: Plan) -> list[str]:
    from ..checkpoints.presence import amount

    card, count = chosen.card, len(chosen.parcels)
    size = amount(chosen.bytes or card.known_bytes)
    begun = f", {amount(chosen.begun)} of it here already" if chosen.begun else ""
    return [
        f"{card.name}: {card.purpose}",
        f"Licence:  {card.terms}",
        f"Cite:     {card.citation}",
        f"From:     {card.source}",
        f"To:       {chosen.folder}",
        f"Size:     {size} in {count} {'file' if count == 1 else 'files'}{begun}",
    ]


def _agreed(name: str) -> bool:
    if not sys.stdin.isatty():
        raise SettingError(
            "there is no terminal to ask on", "--yes", f"Read the licence and give `art2mus fetch {name} --yes`."
        )
    return typer.confirm("Fetch it under this licence?")


@contextmanager
def _bytes_on_a_bar() -> Iterator[OnStep]:
    """An `on_step` whose steps are bytes, shown where standard error is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("connect", total=None)

        def on_step(step: Step) -> None:
            bar.update(task, total=step.total, completed=step.done, description=step.stage)

        yield on_step
