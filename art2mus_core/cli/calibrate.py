"""`art2mus calibrate`: compute the percentile tables that map paintings to musical character, and music back to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .outputs import NoReplace, check_file, print_file
from .progress import reporting


def calibrate(
    folder: Annotated[Path, typer.Argument(help="Folder for statistics.json and character.json.")],
    count: Annotated[int, typer.Option(help="Number of paintings for each table.")] = 4000,
    music: Annotated[
        Path | None, typer.Option(help="Dataset; also compute music.json, the distribution of measures of its music.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Number of parallel processes.")] = 2,
    no_replace: NoReplace = False,
) -> None:
    """Compute the distribution of image statistics and musical characters over synthetic paintings."""
    from ..datasets.synthetic.calibration import (
        CHARACTERS_FILE,
        MUSIC_FILE,
        STATISTICS_FILE,
        make_music_table,
        make_tables,
        training_music,
    )

    if music:
        training_music(music)  # refused before the paintings are measured
    files = [folder / name for name in (STATISTICS_FILE, CHARACTERS_FILE, *([MUSIC_FILE] if music else []))]
    replaced = [path for path in files if check_file(path, (".json",), no_replace=no_replace)]
    with reporting() as on_step:
        make_tables(folder, count, workers=workers, no_replace=no_replace, on_step=on_step)
        if music:
            make_music_table(folder, music, count, workers=workers, no_replace=no_replace, on_step=on_step)
    for path in files:
        print_file(path, replaced=path in replaced)
