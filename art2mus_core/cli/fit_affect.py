"""`art2mus fit-affect`: fit an image encoder's arousal and valence to labelled paintings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .outputs import print_lines
from .progress import alone_in, importing, reporting


def fit_affect(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint folder, whose image encoder `art2mus convert` made.")],
    paintings: Annotated[
        Path,
        typer.Argument(
            help="Folder of paintings with LABELS.csv. Columns: file, arousal (1 very calm to 5 very agitated), valence (1 very sad to 5 joyful)."
        ),
    ],
    part: Annotated[
        str | None, typer.Option(help="Only paintings with this value in the column part of LABELS.csv.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the crops and of the cross-validation.")] = 0,
) -> None:
    """Teach an image encoder from labelled paintings which pictures are calm or agitated (arousal), sad or joyful (valence).

    The encoder is changed in place. The printed rank correlation is that of
    paintings which were left out of the fit and of the choice of its penalty
    (nested cross-validation). `art2mus synthesize --encoder`
    composes for what the encoder sees.
    """
    with importing():
        from ..datasets.labelled import read_labels
        from ..training.affect import fit_affect as fit

    shown = read_labels(paintings, part)
    with alone_in(checkpoint, "fit"), reporting() as on_step:
        found = fit(checkpoint, shown, seed=seed, on_step=on_step)
    arousal, valence = found.correlation
    print_lines(
        f"{len(shown)} paintings, penalty {found.strength:g}; rank correlation with the labels in nested cross-validation: "
        f"arousal {arousal:.2f}, valence {valence:.2f}"
    )
