"""`art2mus fit-affect`: fit an image encoder's arousal and valence to labelled paintings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .outputs import print_lines
from .progress import alone_in, importing, reporting


def fit_affect(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint folder with a converted EfficientNet-Lite.")],
    paintings: Annotated[
        Path, typer.Argument(help="Folder of paintings with LABELS.csv: file, arousal and valence from 1 to 5.")
    ],
    part: Annotated[str | None, typer.Option(help="Only the paintings of this part of LABELS.csv.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the crops and of the cross-validation.")] = 0,
) -> None:
    """Fit an image encoder's arousal and valence to labelled paintings, with cross-validation. The encoder is changed in place."""
    with importing():
        from ..datasets.labelled import read_labels
        from ..training.affect import fit_affect as fit

    shown = read_labels(paintings, part)
    with alone_in(checkpoint, "fit"), reporting() as on_step:
        found = fit(checkpoint, shown, seed=seed, on_step=on_step)
    arousal, valence = found.correlation
    print_lines(
        f"{len(shown)} paintings, penalty {found.strength:g}; rank correlation with the labels of paintings left out of the fit: "
        f"arousal {arousal:.2f}, valence {valence:.2f}"
    )
