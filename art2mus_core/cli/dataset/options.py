"""Options that the commands of `art2mus dataset` share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..outputs import table

if TYPE_CHECKING:
    from ...datasets.faults import Finding
    from ...datasets.shards import Spread

__all__ = [
    "DATA",
    "Duplicates",
    "Encoder",
    "Engine",
    "Floor",
    "Mode",
    "Retry",
    "Seed",
    "Space",
    "Testing",
    "Validation",
    "Workers",
    "counted",
    "findings",
    "spreading",
]

DATA = Annotated[Path, typer.Argument(help="Dataset folder; an interrupted run resumes in it.")]
Encoder = Annotated[
    str, typer.Option(help="Checkpoint whose encoders see and hear: pocket, imagebind, a name or a folder.")
]
Engine = Annotated[
    str,
    typer.Option(help="Engine of parallel work: local (processes of this machine), or ray (a Ray here or a cluster)."),
]
Mode = Annotated[str, typer.Option(help="Choice of pairs: nearest, mutual or one-to-one.")]
Floor = Annotated[float, typer.Option(help="Least cosine of a pair.")]
Validation = Annotated[float, typer.Option(help="Share of each side that is held out for validation.")]
Testing = Annotated[float, typer.Option(help="Share of each side that is held out for testing.")]
Seed = Annotated[int, typer.Option(help="Seed of the splits.")]
Duplicates = Annotated[Path | None, typer.Option(help="List of duplicate artworks, as ArtEmis publishes it (JSON).")]
Retry = Annotated[bool, typer.Option("--retry", help="Try files with a fault again, one by one.")]
Space = Annotated[str, typer.Option(help="Embedding space, as `dataset embed` named it.")]
Workers = Annotated[int, typer.Option(min=1, help="Number of parallel processes.")]


def spreading(workers: int, engine: str = "local") -> Spread:
    """An engine with so many processes."""
    from ...datasets.engines import engine as choose

    return choose(engine, workers)


def counted(told: dict[str, dict[str, int]]) -> list[str]:
    """Counts by their names, in lines, below the name of what was counted."""
    return [
        line
        for what, counts in told.items()
        for line in (what, *table([(f"  {name}", f"{count:,}") for name, count in counts.items()]))
    ]


def findings(found: Sequence[Finding], what: str = "what") -> list[str]:
    """What was found to be wrong, as a table; no line if nothing was."""
    rows = [(each.what, f"{each.count:,}", each.example, each.remedy) for each in found]
    return table([(what, "rows", "for example", "what to do"), *rows]) if rows else []
