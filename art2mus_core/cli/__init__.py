"""The command line. It starts quickly: each command imports what it needs when it runs."""

from __future__ import annotations

import sys
from typing import Any

from .streams import notify, standard_streams

__all__ = ["main"]

USAGE, INTERRUPTED, CLOSED_PIPE = 2, 130, 141
"""Exit codes: an error that the user can correct, Ctrl-C, and a pipe that its reader closed."""

LONGEST = 100_000
"""Characters allowed in an argument: more than a comment of 5,000 words has."""

EXTRAS = {
    **dict.fromkeys(("aiohttp", "krippendorff", "openai", "scipy"), "eval"),
    **dict.fromkeys(("imagehash", "jinja2", "pyarrow", "yaml"), "eval,train"),
    "accelerate": "train",
    "faiss": "ann",
    "peft": "lora",
    **dict.fromkeys(("pandas", "ray"), "ray"),
    "sentence_transformers": "texts",
    "tensorboard": "tensorboard",
    "wandb": "wandb",
}
"""Packages that only some commands need, and the extras that install them."""


def main(arguments: list[str] | None = None) -> None:
    """Run `art2mus`. Raises `SystemExit` with 0, 2 (one line on standard error), 130 (Ctrl-C) or 141 (a closed pipe)."""
    with standard_streams() as output:
        try:
            code = _run(sys.argv[1:] if arguments is None else arguments)
            output.flush()
        except KeyboardInterrupt:
            code = INTERRUPTED
        if code == INTERRUPTED:
            notify("stopped; no file is left incomplete")
        elif output.trouble and code == 0:
            code = CLOSED_PIPE if isinstance(output.trouble, BrokenPipeError) else USAGE
            if code == USAGE:
                notify(
                    f"standard output cannot be written ({output.trouble.strerror}); files that were written are kept"
                )
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    import typer

    from ..checkpoints.memory import allocating
    from ..errors import Art2MusError
    from .app import app_for

    usage_error: type[Any] = typer.BadParameter.__mro__[1]  # the base of all errors that the parser raises
    try:
        _check(arguments)
        with allocating("the data of this command"):
            # Depending on its version, typer returns 130 or raises Abort after Ctrl-C.
            asked = arguments or ["--help"]
            return typer.main.get_command(app_for(asked[0])).main(asked, "art2mus", standalone_mode=False) or 0
    except Art2MusError as error:
        notify(str(error))
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        extra = EXTRAS[package]
        notify(
            f"the package {package} is missing; this command needs the extra {extra}. Run: pip install 'art2mus[{extra}]'"
        )
    except usage_error as error:
        notify(f"{error.format_message()} Try --help.")
    except (OSError, UnicodeError) as error:
        notify(_refused(error))
    except typer.Abort:
        return INTERRUPTED
    except typer.Exit as leaving:
        return leaving.exit_code
    return USAGE


def _check(arguments: list[str]) -> None:
    """Refuse arguments that can be neither a path nor a text."""
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
    """The message for an error of the operating system, such as a failing disk, or for invalid text."""
    if isinstance(error, UnicodeError):
        return f"a text is not valid Unicode ({error}). Write it in UTF-8."
    path = f"{error.filename}: " if error.filename else ""
    return f"{path}{error.strerror or error}. Check the path, its permissions and the disk."
