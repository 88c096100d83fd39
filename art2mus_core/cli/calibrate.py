"""`art2mus calibrate`: the percentile tables that musical character is read from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["calibrate"]


def calibrate(
    folder: Annotated[Path, typer.Argument(help="Where statistics.json and character.json go.")],
    count: Annotated[int, typer.Option(help="Paintings that each table is made from.")] = 4000,
    workers: Annotated[int, typer.Option(help="Processes that work at the same time.")] = 2,
) -> None:
    """Paint and measure, to learn what is much and what is little of each statistic and character."""
    from ..datasets.synthetic.calibration import CHARACTERS_FILE, STATISTICS_FILE, make_tables
    from ..placing import check_place
    from .progress import reporting

    for name in (STATISTICS_FILE, CHARACTERS_FILE):
        check_place(folder / name, (".json",))
    with reporting() as on_step:
        make_tables(folder, count, workers=workers, on_step=on_step)
