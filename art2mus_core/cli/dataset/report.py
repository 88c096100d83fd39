"""`art2mus dataset report`: a page with the counts of a dataset and pairs to look at and listen to."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..outputs import AsJson, NoReplace, check_file, print_document, print_file, raise_left_out
from ..progress import importing, reporting


def report(
    data: Annotated[Path, typer.Argument(help="Dataset folder, with pairs.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Page to write.", show_default="DATA/report.html")
    ] = None,
    pairs: Annotated[int, typer.Option(min=1, help="Number of pairs on the contact sheet.")] = 24,
    seed: Annotated[int, typer.Option(help="Seed by which these pairs are drawn.")] = 0,
    embed: Annotated[
        bool, typer.Option("--embed", help="Embed the music in the page, as Opus, so that it can be sent as one file.")
    ] = False,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "Artworks and music",
    no_replace: NoReplace = False,
    as_json: AsJson = False,
) -> None:
    """Write a page with the counts of a dataset and pairs that play.

    art2mus dataset report DATA

    The page has tables, histograms and a contact sheet: some pairs of each
    split, the most and the least similar one among them. It works offline
    and links to the music; with --embed it needs no other file.
    """
    page = out or data / "report.html"
    replaced = check_file(page, (".html", ".htm"), no_replace=no_replace)
    with importing():
        from ...datasets.facts import facts_of
        from ...datasets.reading import read_any_rows
        from ...datasets.reporting import Sheet, captions_by_kind, write_report

    rows, sheet = read_any_rows(data), Sheet(pairs, seed, "embedded" if embed else "links")
    with reporting() as on_step:
        problems = write_report(data, page, sheet, rows=rows, title=title, no_replace=no_replace, on_step=on_step)
    if as_json:
        print_document(
            {"page": str(page), **asdict(facts_of(rows, captions_by_kind(data, rows))), "left_out": problems}
        )
    else:
        print_file(page, replaced=replaced)
    raise_left_out(problems)
