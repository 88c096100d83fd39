"""Options that the commands of `art2mus dataset` share."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..outputs import table

if TYPE_CHECKING:
    from ...datasets.shards import Spread

__all__ = ["DATA", "Encoder", "Retry", "Space", "Workers", "counted", "spreading"]

DATA = Annotated[Path, typer.Argument(help="Dataset folder; an interrupted run resumes in it.")]
Encoder = Annotated[
    str, typer.Option(help="Checkpoint whose encoders see and hear: pocket, imagebind, a name or a folder.")
]
Retry = Annotated[bool, typer.Option("--retry", help="Try files with a fault again, one by one.")]
Space = Annotated[str, typer.Option(help="Embedding space, as `dataset embed` named it.")]
Workers = Annotated[int, typer.Option(min=1, help="Number of parallel processes.")]


def spreading(workers: int) -> Spread:
    """The engine: so many processes on this machine."""
    from ...datasets.workers import spread

    return partial(spread, workers=workers)


def counted(told: dict[str, dict[str, int]]) -> list[str]:
    """Counts by their names, in lines, below the name of what was counted."""
    return [
        line
        for what, counts in told.items()
        for line in (what, *table([(f"  {name}", f"{count:,}") for name, count in counts.items()]))
    ]
