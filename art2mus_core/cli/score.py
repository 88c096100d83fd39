"""`art2mus score`: score existing music."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .outputs import AsJson, NoReplace, check_file
from .progress import importing, reporting

MODELS = "Evaluation models"


def score(
    folder: Annotated[Path, typer.Argument(help="Folder of music, or of one folder for each system.")],
    artworks: Annotated[
        Path | None, typer.Option(help="Folder of the artworks.", show_default="FOLDER/artworks")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Folder of real music for each artwork.", show_default="FOLDER/reference")
    ] = None,
    background: Annotated[
        Path | None,
        typer.Option(
            help="Folder of any real music, with which sets of pieces are compared.", show_default="FOLDER/background"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Page to write; a JSON file beside it has all results.",
            show_default="FOLDER/report.html",
        ),
    ] = None,
    no_replace: NoReplace = False,
    embedder: Annotated[
        list[str] | None,
        typer.Option(
            help="Embedder: pocket, imagebind, clap-music, clap-general, vggish, or NAME:PATH; may be repeated.",
            show_default="pocket",
            rich_help_panel=MODELS,
        ),
    ] = None,
    classifier: Annotated[
        str | None,
        typer.Option(
            help="Classifier for the KL divergence of sound classes: ast-audioset or ast-audioset:PATH.",
            rich_help_panel=MODELS,
        ),
    ] = None,
    skip_missing: Annotated[
        bool,
        typer.Option("--skip-missing", help="Skip models whose weights are not installed.", rich_help_panel=MODELS),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of bootstraps and shuffled pairs.", rich_help_panel=MODELS)] = 0,
    resamples: Annotated[int, typer.Option(help="Number of bootstrap resamples.", rich_help_panel=MODELS)] = 1000,
    device: Annotated[str, typer.Option(help="Device: auto, cpu, cuda or mps.", rich_help_panel=MODELS)] = "auto",
    partial: Annotated[
        bool, typer.Option("--partial", help="Skip artworks without music and music without an artwork.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score existing music: its match with the artworks, how it follows them, and its sound.

    Files are paired by name: artworks/dawn.jpg, mine/dawn.flac,
    theirs/dawn.flac, reference/dawn.flac; further takes are dawn--2.flac,
    dawn--3.flac. Scores whose files are missing are skipped, with a note in the
    report. Embeddings are stored in FOLDER/.features.
    """
    page = out or folder / "report.html"
    check_file(page, (".html", ".htm"), no_replace=no_replace)
    check_file(page.with_suffix(".json"), (".json",), no_replace=no_replace)
    with reporting() as on_step:
        with importing():
            from ..evaluation.collection import read_collection
            from ..evaluation.config import MetricChoice
            from .devices import choose_device
            from .scoring import present, score_collection

        collection = read_collection(
            folder, artworks=artworks, reference=reference, background=background, partial=partial
        )
        chosen = MetricChoice.model_construct(  # opening the models checks their names
            embedders=embedder or ["pocket"],
            classifier=classifier,
            skip_missing=skip_missing,
            seed=seed,
            resamples=resamples,
        )
        report = score_collection(collection, chosen, str(choose_device(device)), on_step)
        present(report, collection, page, no_replace=no_replace, as_json=as_json, on_step=on_step)
