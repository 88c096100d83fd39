"""`art2mus synthesize`: make a dataset of synthetic paintings and music composed for their character."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import SettingError
from .progress import alone_in, reporting


def synthesize(
    folder: Annotated[Path, typer.Argument(help="Dataset folder; an interrupted run resumes in it.")],
    count: Annotated[int, typer.Option(help="Number of pairs with painted pictures.")] = 10_000,
    first_seed: Annotated[int, typer.Option(help="Seed of the first pair; each further pair has the next one.")] = 0,
    encoder: Annotated[
        str,
        typer.Option(help="Checkpoint whose image encoder sees the pictures' character: pocket, a name or a folder."),
    ] = "pocket",
    paintings: Annotated[
        Path | None, typer.Option(help="Folder of paintings, listed in its LABELS.csv, for further training pairs.")
    ] = None,
    part: Annotated[
        str | None, typer.Option(help="Only paintings with this value in the column part of LABELS.csv.")
    ] = None,
    views: Annotated[int, typer.Option(min=1, help="Training pairs for each painting: itself, then crops.")] = 16,
    seconds: Annotated[
        list[float] | None,
        typer.Option(help="Length of the music, 10 by default; given several times, each pair's seed chooses one."),
    ] = None,
    rate: Annotated[int, typer.Option(help="Sample rate of the music in hertz.")] = 44_100,
    stereo: Annotated[bool, typer.Option("--stereo/--mono", help="Channels of the music.")] = True,
    comments: Annotated[
        bool, typer.Option("--comments", help="Viewers' comments for most pairs; the music follows picture and words.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Number of parallel processes.")] = 2,
) -> None:
    """Make a dataset: paint pictures, see their musical character, and compose music for it.

    The manifest tells each piece's tempo, meter, mode and band. Music is
    written as FLAC; training reads it at the checkpoint's rate and with
    its channels. With --comments the manifest also has comments, and each
    piece is composed for a character between the picture's and the words'.
    """
    from ..checkpoints.names import is_encoder, locate
    from ..datasets.labelled import read_labels
    from ..datasets.synthetic.pairs import synthesize as make
    from ..datasets.synthetic.sound import SECONDS, Sound

    if part is not None and paintings is None:
        raise SettingError(
            f"part {part!r} without paintings", "a folder of labelled paintings", "Add --paintings FOLDER."
        )
    seer = locate(encoder, is_encoder)
    shown = [each.path for each in read_labels(paintings, part)] if paintings else []
    with alone_in(folder, "synthesis"), reporting() as on_step:
        make(
            *(folder, count),
            encoder=seer,
            paintings=shown,
            views=views,
            first_seed=first_seed,
            sound=Sound(tuple(seconds or (SECONDS,)), rate, 2 if stereo else 1),
            comments=comments,
            workers=workers,
            on_step=on_step,
        )
