"""The command line. Importing it is cheap: what a command needs is imported when it runs."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["main"]

USAGE, INTERRUPTED = 2, 130
"""Exit codes: a mistake that the person can mend, and Ctrl-C."""

EXTRAS = {
    **dict.fromkeys(("aiohttp", "jinja2", "krippendorff", "librosa", "openai", "scipy"), "eval"),
    **dict.fromkeys(("pyarrow", "yaml"), "eval,train"),
    "accelerate": "train",
}
"""Packages that only some commands need, and the extras that bring them."""


def main(arguments: list[str] | None = None) -> None:
    """Run `art2mus`; leaves by `SystemExit` with 0, 2 (one line on standard error) or 130 (Ctrl-C)."""
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        _say("stopped; nothing is left half-written")
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    import typer

    from ..checkpoints.memory import allocating
    from ..errors import Art2MusError
    from .app import app

    # typer's bad parameter is a usage error like all others that its parser raises.
    usage_error: type[Any] = typer.BadParameter.__mro__[1]
    try:
        with allocating("what was asked for"):
            # Ctrl-C comes out of typer as 130 or as an abort, by its version.
            return typer.main.get_command(app).main(arguments or ["--help"], "art2mus", standalone_mode=False) or 0
    except Art2MusError as error:
        _say(str(error))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRAS:
            raise
        _say(_missing((error.name or "").partition(".")[0]))
    except usage_error as error:
        _say(f"{error.format_message()} Try --help.")
    except typer.Abort:
        return INTERRUPTED
    except typer.Exit as leaving:
        return leaving.exit_code
    return USAGE


def _missing(package: str) -> str:
    extra = EXTRAS[package]
    return (
        f"the package {package} is missing; this command needs the extra {extra}. Run: pip install 'art2mus[{extra}]'"
    )


def _say(line: str) -> None:
    sys.stderr.write(f"art2mus: {' '.join(line.split())}\n")
