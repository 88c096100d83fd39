"""`art2mus dataset doctor`: what is wrong with a dataset, and how to mend it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..outputs import AsJson, print_document, print_lines
from .options import findings


def doctor(
    data: Annotated[Path, typer.Argument(help="Dataset folder.")],
    as_json: AsJson = False,
) -> None:
    """Tell what is missing, short, doubled or mixed up in a dataset, and the command that mends it.

    art2mus dataset doctor DATA

    Reads the tables and the embeddings, and opens no picture or sound.
    """
    from ...datasets.diagnosis import diagnose

    found = diagnose(data)
    if as_json:
        print_document({"data": str(data), "found": [asdict(each) for each in found]})
    elif found:
        print_lines(*findings(found))
    else:
        print_lines("nothing is wrong")
