"""`art2mus dataset scan`: open every file of the sources once, and note what is there and what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ...errors import SettingError
from ..outputs import AsJson, print_document, print_lines
from ..progress import alone_in, reporting
from .options import DATA, Engine, Retry, Workers, counted, findings, spreading


def scan(
    data: DATA,
    artworks: Annotated[Path | None, typer.Option(help="Folder of pictures.")] = None,
    music: Annotated[Path | None, typer.Option(help="Folder of music.")] = None,
    artwork_source: Annotated[str, typer.Option(help="Layout of --artworks: folder, wikiart or artgraph.")] = "folder",
    music_source: Annotated[str, typer.Option(help="Layout of --music: folder or fma.")] = "folder",
    shortest: Annotated[float, typer.Option(min=0.0, help="Least length of music in seconds.")] = 1.0,
    retry: Retry = False,
    workers: Workers = 2,
    engine: Engine = "local",
    as_json: AsJson = False,
) -> None:
    """Open every picture and every sound once, and note what is there and what is wrong.

    art2mus dataset scan DATA --artworks wikiart --artwork-source wikiart
    --music fma_large --music-source fma

    The files stay where they are. DATA/artworks.parquet and
    DATA/music.parquet have a row for each of them, with a fault if it cannot
    be used: missing, damaged, short, silent. The most frequent faults are
    listed at the end. If stopped, the same command resumes; a file that has
    changed since is opened again.
    """
    if artworks is None and music is None:
        raise SettingError("neither --artworks nor --music", "at least one folder", "Add one of them.")

    from ...datasets.faults import Tally
    from ...datasets.listing import Listing, list_source
    from ...datasets.scanning import scan_artworks, scan_music

    told: dict[str, dict[str, int]] = {}
    tally = Tally()
    with alone_in(data, "scan"), reporting() as on_step:
        telling: dict[str, Any] = {"retry": retry, "on_step": on_step, "on_fault": tally.note}
        spread = spreading(workers, engine)
        if artworks is not None:
            listing: Listing = list_source(data, "artworks", artworks, artwork_source)
            told["artworks"] = scan_artworks(listing, data, spread, **telling)
        if music is not None:
            listing = list_source(data, "music", music, music_source)
            told["music"] = scan_music(listing, data, spread, shortest=shortest, **telling)
    if as_json:
        print_document({"data": str(data), **told, "faults": [vars(each) for each in tally.frequent()]})
        return
    print_lines(*counted(told), *findings(tally.frequent(), "fault"))
