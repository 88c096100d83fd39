"""`art2mus gallery`: a page on which artworks are seen and their music is heard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .outputs import NoReplace

__all__ = ["gallery"]


def gallery(
    folder: Annotated[Path, typer.Argument(help="Music by artwork, or a folder of it for each system.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.html", help="The page to be written.")],
    artworks: Annotated[Path | None, typer.Option(help="Pictures; FOLDER/artworks if not given.")] = None,
    title: Annotated[str, typer.Option(help="Of the page.", show_default="the folder's name")] = "",
    embed: Annotated[
        bool, typer.Option("--embed", help="Put the music into the page, as Opus, so that it can be sent by itself.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave out what has no partner, instead of refusing it.")
    ] = False,
    no_replace: NoReplace = False,
) -> None:
    """Show artworks and play each system's music for them, on one page that needs nothing from the network.

    The music is linked from where it lies, relative to the page. A report.json in the folder is shown too: tables, plots and
    the values of each piece.
    """
    from .outputs import check_file
    from .starting import importing

    replaced = check_file(out, (".html", ".htm"), no_replace=no_replace)
    with importing():
        from ..evaluation.collection import read_collection
        from ..evaluation.report.page import write_page
        from ..evaluation.results import Report, read_report
        from .presenting import print_file, raise_left_out
        from .progress import reporting

    collection = read_collection(folder, artworks=artworks, partial=partial)
    scored = folder / "report.json"
    report = read_report(scored) if scored.is_file() else Report({}, {}, {})
    with reporting() as on_step:
        problems = write_page(report, collection, out, embed=embed, title=title, no_replace=no_replace, on_step=on_step)
    print_file(out, replaced=replaced)
    raise_left_out(problems)
