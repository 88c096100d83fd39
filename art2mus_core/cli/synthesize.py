"""`art2mus synthesize`: make a dataset of synthetic paintings and music composed from their statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .progress import alone_in, reporting


def synthesize(
    folder: Annotated[Path, typer.Argument(help="Dataset folder; an interrupted run resumes in it.")],
    count: Annotated[int, typer.Option(help="Number of pairs.")] = 10_000,
    first_seed: Annotated[int, typer.Option(help="Seed of the first pair; each further pair has the next one.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Number of parallel processes.")] = 2,
) -> None:
    """Make a dataset: paint pictures, measure them, and compose music from their statistics."""
    from ..datasets.synthetic.pairs import synthesize as make

    with alone_in(folder, "synthesis"), reporting() as on_step:
        make(folder, count, first_seed=first_seed, workers=workers, on_step=on_step)
