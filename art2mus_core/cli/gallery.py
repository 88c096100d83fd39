"""`art2mus gallery`: write a page that shows artworks and plays their music."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .outputs import NoReplace, check_file, print_file, raise_left_out
from .progress import importing, reporting


def gallery(
    folder: Annotated[Path, typer.Argument(help="Folder of music, or of one folder for each system.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.html", help="Page to write.")],
    artworks: Annotated[
        Path | None, typer.Option(help="Folder of the artworks.", show_default="FOLDER/artworks")
    ] = None,
    title: Annotated[str, typer.Option(help="Title of the page.", show_default="the folder's name")] = "",
    embed: Annotated[
        bool,
        typer.Option("--embed", help="Embed the music in the page, as Opus, so that the page can be sent as one file."),
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Skip artworks without music and music without an artwork.")
    ] = False,
    no_replace: NoReplace = False,
) -> None:
    """Write a page that shows artworks and plays each system's music; it works offline.

    The page links to the music files by relative paths. If the folder has a
    report.json, the page also shows its tables, plots and values of each piece.
    """
    replaced = check_file(out, (".html", ".htm"), no_replace=no_replace)
    with importing():
        from ..evaluation.collection import read_collection
        from ..evaluation.report.page import write_page
        from ..evaluation.results import Report, read_report

    collection = read_collection(folder, artworks=artworks, partial=partial)
    scored = folder / "report.json"
    report = read_report(scored) if scored.is_file() else Report({}, {}, {})
    with reporting() as on_step:
        problems = write_page(report, collection, out, embed=embed, title=title, no_replace=no_replace, on_step=on_step)
    print_file(out, replaced=replaced)
    raise_left_out(problems)
