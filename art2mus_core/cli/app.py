"""The table of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from .calibrate import calibrate
from .compare import compare
from .compose import compose
from .convert import convert
from .dataset import dataset
from .doctor import doctor
from .evaluate import evaluate
from .export import export
from .export_text import export_text
from .fetch import fetch
from .fit_affect import fit_affect
from .fit_words import fit_words
from .gallery import gallery
from .heads import heads
from .listen import listen
from .look import look
from .models import models
from .outputs import installed_version, print_lines
from .prepare import prepare
from .rate import rate
from .score import score
from .synthesize import synthesize
from .train import train

__all__ = ["app"]

COMMANDS = (
    *(compose, look),
    *(evaluate, score, compare, gallery, listen, rate),
    *(models, fetch, doctor, convert, export_text, heads),
    *(synthesize, calibrate, fit_affect, fit_words, prepare, train, export),
)
"""Each command is a function in a file of its own; its docstring is the help text."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
for _command in COMMANDS:
    app.command()(_command)
app.add_typer(dataset, name="dataset")


@app.callback(invoke_without_command=True)
def art2mus(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Turn paintings directly into music."""
    if version:
        print_lines(installed_version())
        raise typer.Exit
