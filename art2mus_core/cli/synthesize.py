"""`art2mus synthesize`: paint and compose pairs with a known cause."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def synthesize(
    folder: Annotated[Path, typer.Argument(help="Where the pairs and their manifest go; an interrupted run goes on.")],
    count: Annotated[int, typer.Option(help="How many pairs.")] = 10_000,
    first_seed: Annotated[int, typer.Option(help="Seed of the first pair; each pair has its own.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes that work at the same time.")] = 2,
) -> None:
    """Make paintings, measure them, and compose the music their statistics ask for."""
    from ..datasets.synthetic.pairs import synthesize as make
    from .progress import reporting
    from .waiting import alone_in

    with alone_in(folder, "synthesis"), reporting() as on_step:
        make(folder, count, first_seed=first_seed, workers=workers, on_step=on_step)
