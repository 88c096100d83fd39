"""The table of commands."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer

from .outputs import installed_version, print_lines

__all__ = ["COMMANDS", "app_for", "command"]

COMMANDS = (
    *("compose", "look"),
    *("evaluate", "score", "compare", "gallery", "listen", "rate"),
    *("models", "fetch", "doctor", "convert", "export_text", "heads"),
    *("synthesize", "calibrate", "fit_affect", "fit_words", "prepare", "train", "export"),
    "dataset",
)
"""Each command is a function in a file of its name; its docstring is the help text. `dataset` has commands of its own."""


def command(name: str) -> Any:  # noqa: ANN401
    """A command's function; for `dataset` its commands."""
    return getattr(import_module(f".{name}", __package__), name)


def app_for(first: str) -> typer.Typer:
    """The command line for a first argument: with one command if that names it, else with all; importing all takes longest."""
    asked = [name for name in COMMANDS if name.replace("_", "-") == first]
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True)(art2mus)
    for name in asked or COMMANDS:
        found = command(name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command()(found)
    return app


def art2mus(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Turn paintings directly into music."""
    if version:
        print_lines(installed_version())
        raise typer.Exit
