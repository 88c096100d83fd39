"""`art2mus dataset release`: a dataset as a folder to pass on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...errors import SettingError
from ..outputs import AsJson, print_document, print_lines
from ..progress import alone_in, importing, reporting
from .options import counted

MEDIA = {"embed": True, "paths": False}


def release(
    data: Annotated[Path, typer.Argument(help="Dataset folder, with pairs.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="New folder of the release; an interrupted one is completed.")
    ],
    media: Annotated[str, typer.Option(help="Pictures and sounds: embed them, or their paths only.")] = "embed",
    licence: Annotated[
        list[str] | None, typer.Option(help="Keep only pairs whose music's licence contains this; may be repeated.")
    ] = None,
    pairs: Annotated[int, typer.Option(min=1, help="Number of pairs on the page.")] = 24,
    seed: Annotated[int, typer.Option(help="Seed by which these pairs are drawn.")] = 0,
    title: Annotated[str, typer.Option(help="Title of the card and the page.")] = "Artworks and music",
    as_json: AsJson = False,
) -> None:
    """Write a dataset as a folder that Hugging Face's datasets loads.

    art2mus dataset release DATA --out FOLDER --licence "CC BY"

    FOLDER/data has Parquet tables, a row for each pair. FOLDER/README.md is
    the card, FOLDER/index.html a page with pairs that play, and
    FOLDER/SHA256SUMS the checksums. Every file is compared with its hash
    from the scan. With --media paths the release has no pictures and
    sounds, for sources that may not be passed on. It grants no rights:
    each file's licence is in its row.
    """
    if media not in MEDIA:
        raise SettingError(f"--media {media}", " or ".join(MEDIA), "Check the word.")
    if out.resolve() == data.resolve():
        raise SettingError(f"--out {out}, the dataset itself", "a new folder", "Choose another one.")
    with importing():
        from ...datasets.releasing import release as write

    with alone_in(data, "release"), alone_in(out, "release"), reporting() as on_step:
        told = write(
            data,
            out,
            embed=MEDIA[media],
            licences=licence or (),
            pairs=pairs,
            seed=seed,
            title=title,
            on_step=on_step,
        )
    if as_json:
        print_document({"folder": str(out), **told})
        return
    print_lines(*counted({str(out): told}))
