"""`art2mus calibrate`: the percentile tables that musical character is read from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .outputs import NoReplace

__all__ = ["calibrate"]


def calibrate(
    folder: Annotated[Path, typer.Argument(help="Where statistics.json and character.json go.")],
    count: Annotated[int, typer.Option(help="Paintings that each table is made from.")] = 4000,
    workers: Annotated[int, typer.Option(help="Processes that work at the same time.")] = 2,
    no_replace: NoReplace = False,
) -> None:
    """Paint and measure, to learn what is much and what is little of each statistic and character."""
    from ..datasets.synthetic.calibration import CHARACTERS_FILE, STATISTICS_FILE, make_tables
    from .outputs import check_file
    from .presenting import print_file
    from .progress import reporting

    files = [folder / name for name in (STATISTICS_FILE, CHARACTERS_FILE)]
    replaced = [path for path in files if check_file(path, (".json",), no_replace=no_replace)]
    with reporting() as on_step:
        make_tables(folder, count, workers=workers, no_replace=no_replace, on_step=on_step)
    for path in files:
        print_file(path, replaced=path in replaced)
