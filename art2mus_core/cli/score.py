"""`art2mus score`: music that is there already, scored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .outputs import AsJson, NoReplace

__all__ = ["score"]

JUDGES = "Judges"


def score(
    folder: Annotated[Path, typer.Argument(help="Music by artwork, or a folder of it for each system.")],
    artworks: Annotated[Path | None, typer.Option(help="Pictures; FOLDER/artworks if not given.")] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Real music of each artwork; FOLDER/reference if not given.")
    ] = None,
    background: Annotated[
        Path | None, typer.Option(help="Real music that sets are compared with; FOLDER/background if not given.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The page; the figures go beside it as JSON.", show_default="FOLDER/report.html"
        ),
    ] = None,
    no_replace: NoReplace = False,
    embedder: Annotated[
        list[str] | None,
        typer.Option(
            help="pocket, imagebind, clap-music, clap-general, vggish, or NAME:PATH; may be given several times.",
            show_default="pocket",
            rich_help_panel=JUDGES,
        ),
    ] = None,
    classifier: Annotated[
        str | None,
        typer.Option(help="ast-audioset, or ast-audioset:PATH, for the KL of classes.", rich_help_panel=JUDGES),
    ] = None,
    skip_missing: Annotated[
        bool,
        typer.Option("--skip-missing", help="Go on without judges whose weights are not here.", rich_help_panel=JUDGES),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of every bootstrap and shuffle.", rich_help_panel=JUDGES)] = 0,
    resamples: Annotated[int, typer.Option(help="Of every bootstrap.", rich_help_panel=JUDGES)] = 1000,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.", rich_help_panel=JUDGES)] = "auto",
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave out what has no partner, instead of refusing it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score music by how it matches and follows its artworks, and by how it sounds.

    Files belong together by their names: artworks/dawn.jpg, mine/dawn.flac, theirs/dawn.flac, reference/dawn.flac; further takes
    are dawn--2.flac. What is not there is not measured, and the report says so. Embeddings are kept in FOLDER/.features.
    """
    from .outputs import check_file
    from .progress import reporting
    from .starting import importing

    page = out or folder / "report.html"
    check_file(page, (".html", ".htm"), no_replace=no_replace)
    check_file(page.with_suffix(".json"), (".json",), no_replace=no_replace)
    with reporting() as on_step:
        with importing():
            from ..evaluation.collection import read_collection
            from .devices import choose_device
            from .scoring import Judges, present, score_collection

        collection = read_collection(
            folder, artworks=artworks, reference=reference, background=background, partial=partial
        )
        judges = Judges(
            tuple(embedder or ("pocket",)), classifier, skip_missing, seed, resamples, str(choose_device(device))
        )
        report = score_collection(collection, judges, on_step)
        present(report, collection, page, no_replace=no_replace, as_json=as_json, on_step=on_step)
