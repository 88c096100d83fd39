"""What comes after fetching a checkpoint: its file is converted, or its text constants are computed."""

from __future__ import annotations

from pathlib import Path

from ..checkpoints.cards import Card
from ..checkpoints.memory import allocating
from ..encoders import imagebind_files
from ..types import OnStep
from .texts import export_text

__all__ = ["finish_fetching"]


def finish_fetching(card: Card, folder: Path, on_step: OnStep) -> None:
    """Do what the card's `then` says.

    Args:
        card: of the checkpoint.
        folder: where all its files are.
        on_step: told of every tensor that is converted, or of every network that read the words.

    Raises:
        CheckpointError: a file is missing, damaged or does not fit.
        OutputError: too little room on the disk, or a place that cannot be written to.
        SettingError: too little memory.
    """
    with allocating(card.name):
        if card.converted:
            imagebind_files.convert(folder / card.files[0].path, folder, on_step=on_step)
        else:
            export_text(folder, on_step=on_step)
