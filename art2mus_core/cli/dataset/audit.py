"""`art2mus dataset audit`: prove that file, row, embedding and pair belong together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...errors import DatasetError
from ..outputs import AsJson, print_document, print_lines, table
from ..progress import importing, reporting
from .options import Engine, Space, Workers, spreading

SHOWN = 20
"""Mismatches that are printed."""


def audit(
    data: Annotated[Path, typer.Argument(help="Dataset folder.")],
    space: Space = "pocket",
    encoder: Annotated[
        str | None, typer.Option(help="Checkpoint to embed the files with once more, and compare.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Embed once more only every so many files.")] = 1,
    workers: Workers = 2,
    engine: Engine = "local",
    as_json: AsJson = False,
) -> None:
    """Prove for every row that file, embedding, captions and pair fit.

    art2mus dataset audit DATA --encoder pocket

    Compares each file's content with its row, what each embedding and each
    caption was made from with the row, and the names in each pair with the
    rows. With --encoder, also each vector with a new one. Ends with
    exit code 2 if anything does not match.
    """
    with reporting() as on_step:
        with importing():
            from ...checkpoints.names import is_encoder, locate
            from ...datasets.auditing import audit as compare

        checkpoint = None if encoder is None else locate(encoder, is_encoder)
        found = compare(data, space, checkpoint, spreading(workers, engine), every=every, on_step=on_step)
    if as_json:
        print_document({"data": str(data), "compared": found.compared, "mismatches": found.mismatches})
    else:
        rows = [(sort, f"{count:,}") for sort, count in found.compared.items()]
        print_lines(*table([*rows, ("mismatches", f"{len(found.mismatches):,}")]), *found.mismatches[:SHOWN])
    if found.mismatches:
        raise DatasetError(
            f"{len(found.mismatches)} mismatches in {data}",
            "none",
            "Scan, embed and pair again with `art2mus dataset`.",
        )
