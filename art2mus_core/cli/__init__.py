"""The command line. Importing it is cheap: what a command needs is imported when it runs."""

from __future__ import annotations

import sys
from typing import Any

from .streams import say, standard_streams

__all__ = ["main"]

USAGE, INTERRUPTED, NOBODY_READS = 2, 130, 141
"""Exit codes: a mistake that the person can mend, Ctrl-C, and a pipe that is closed before all is said."""

LONGEST = 20_000
"""Characters of an argument."""

EXTRAS = {
    **dict.fromkeys(("aiohttp", "jinja2", "krippendorff", "openai", "scipy"), "eval"),
    **dict.fromkeys(("pyarrow", "yaml"), "eval,train"),
}
"""Packages that only some commands need, and the extras that bring them."""


def main(arguments: list[str] | None = None) -> None:
    """Run `art2mus`; leaves by `SystemExit` with 0, 2 (one line on standard error), 130 (Ctrl-C) or 141 (a closed pipe)."""
    with standard_streams() as output:
        try:
            code = _run(sys.argv[1:] if arguments is None else arguments)
            output.flush()
        except KeyboardInterrupt:
            code = INTERRUPTED
        if code == INTERRUPTED:
            say("stopped; nothing is left half-written")
        elif output.trouble and code == 0:
            code = _unheard(output.trouble)
    sys.exit(code)


def _unheard(trouble: OSError) -> int:
    """The exit code where standard output could not be written; a reader that has seen enough needs no words."""
    if isinstance(trouble, BrokenPipeError):
        return NOBODY_READS
    say(f"standard output cannot be written ({trouble.strerror}); files that were made are kept")
    return USAGE


def _run(arguments: list[str]) -> int:
    import typer

    from ..checkpoints.memory import allocating
    from ..errors import Art2MusError
    from .app import app

    # typer's bad parameter is a usage error like all others that its parser raises.
    usage_error: type[Any] = typer.BadParameter.__mro__[1]
    try:
        _check(arguments)
        with allocating("what was asked for"):
            # Ctrl-C comes out of typer as 130 or as an abort, by its version.
            return typer.main.get_command(app).main(arguments or ["--help"], "art2mus", standalone_mode=False) or 0
    except Art2MusError as error:
        say(str(error))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRAS:
            raise
        say(_missing((error.name or "").partition(".")[0]))
    except usage_error as error:
        say(f"{error.format_message()} Try --help.")
    except (OSError, UnicodeError) as error:
        say(_refused(error))
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


def _check(arguments: list[str]) -> None:
    """Refuse arguments that no path and no text can be."""
    from ..errors import SettingError

    for argument in arguments:
        if "\0" in argument or len(argument) > LONGEST:
            what = f"of {len(argument):,} characters" if len(argument) > LONGEST else "with a zero byte"
            raise SettingError(
                f"an argument {what} ({argument[:20]}...)",
                f"at most {LONGEST:,} characters, and no zero byte",
                "Shorten it.",
            )


def _refused(error: OSError | UnicodeError) -> str:
    """What the machine refused: a path it cannot look at, a disk or a device that fails, a text that is none."""
    if isinstance(error, UnicodeError):
        return f"a text that is no Unicode ({error}). Write it in UTF-8."
    path = f"{error.filename}: " if error.filename else ""
    return f"{path}{error.strerror or error}. Check the path and what the disk allows."
