"""The table of the commands of `art2mus dataset`."""

from __future__ import annotations

import typer

from .articaps import articaps
from .audit import audit
from .caption import caption
from .doctor import doctor
from .embed import embed
from .make import make
from .pair import pair
from .release import release
from .report import report
from .scan import scan

__all__ = ["DATASET", "dataset"]

DATASET = (make, scan, embed, pair, caption, report, release, audit, doctor, articaps)
"""Each command is a function in a file of its own; its docstring is the help text."""

dataset = typer.Typer(help="Build a dataset of artworks and music from folders and published sources.")
for _command in DATASET:
    dataset.command()(_command)
