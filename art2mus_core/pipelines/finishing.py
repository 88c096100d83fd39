"""The step after the download of a checkpoint: conversion, or the export of its text constants."""

from __future__ import annotations

from pathlib import Path

from ..checkpoints.cards import Card
from ..checkpoints.memory import allocating
from ..encoders import imagebind_files
from ..types import OnStep
from .texts import export_text

__all__ = ["finish_fetching"]


def finish_fetching(card: Card, folder: Path, on_step: OnStep) -> None:
    """Carry out the step named by the card's `then`.

    Args:
        card: card of the checkpoint.
        folder: its folder, with all its files.
        on_step: called after every converted tensor, or after every network of the export.

    Raises:
        CheckpointError: a file is missing, damaged or does not match.
        OutputError: too little room on the disk, or a folder that cannot be written to.
        SettingError: too little memory.
    """
    with allocating(card.name):
        if card.converted:
            imagebind_files.convert(folder / card.files[0].path, folder, on_step=on_step)
        else:
            export_text(folder, on_step=on_step)
