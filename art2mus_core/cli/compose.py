"""`art2mus compose`: artworks become music files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .outputs import AsJson, NoReplace

__all__ = ["compose"]

PARTS = "The model and its parts"


def compose(
    artworks: Annotated[list[Path], typer.Argument(metavar="ARTWORK", help="Picture files, or folders of them.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="A file for one artwork (.flac, .wav, .mp3, .opus), a folder for several."),
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Search subfolders too.")] = False,
    seconds: Annotated[float, typer.Option(help="Length, 1 to 60.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Another seed is another piece for the same artwork.")] = 0,
    steps: Annotated[int | None, typer.Option(help="Denoising steps, 1 to 1000.", show_default="the model's")] = None,
    guidance: Annotated[
        float | None,
        typer.Option(help="How closely the music follows the artwork, 0 to 20.", show_default="the model's"),
    ] = None,
    solver: Annotated[
        str | None, typer.Option(help="dpm++2m-karras, unipc-karras or ddim.", show_default="the model's")
    ] = None,
    candidates: Annotated[
        int, typer.Option(help="Compose several, seed after seed, and keep the one that sounds most like the artwork.")
    ] = 1,
    keep_all: Annotated[
        bool, typer.Option("--keep-all", help="Keep every candidate, best first; further ones as NAME--2, NAME--3.")
    ] = False,
    no_replace: NoReplace = False,
    model: Annotated[
        str, typer.Option(help="pocket, a name below ART2MUS_HOME, or a checkpoint folder.", rich_help_panel=PARTS)
    ] = "pocket",
    aligner: Annotated[
        str,
        typer.Option(
            help="Image aligner: a name in the model's folder, art2mus-2024, or a file.",
            show_default="the model's",
            rich_help_panel=PARTS,
        ),
    ] = "model",
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Image encoder: pocket, imagebind, or any CLIP folder.",
            show_default="the one the aligner was trained with",
            rich_help_panel=PARTS,
        ),
    ] = None,
    support: Annotated[
        str,
        typer.Option(
            help="Text constants of `art2mus export-text`: model (the artwork's content), period or emotion.",
            rich_help_panel=PARTS,
        ),
    ] = "model",
    text: Annotated[
        str | None,
        typer.Option(help="Text prompt used with the artwork, for models with text encoders.", rich_help_panel=PARTS),
    ] = None,
    negative: Annotated[
        str | None,
        typer.Option(help="Negative prompt, for models with text encoders.", rich_help_panel=PARTS),
    ] = None,
    heads: Annotated[
        str, typer.Option(help="Attention heads: config or original; see `art2mus heads`.", rich_help_panel=PARTS)
    ] = "config",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[
        str, typer.Option(help="auto (whatever is fastest here), float32, bfloat16 or float16.")
    ] = "auto",
    as_json: AsJson = False,
) -> None:
    """Compose music for artworks, without words in between."""
    # Settings before files, files before weights: a mistake is told at once.
    from ..errors import SettingError
    from ..pipelines.settings import check_candidates, check_seed, check_settings
    from .gathering import gather
    from .planning import batches, plan, without_replacing
    from .presenting import report
    from .progress import reporting
    from .starting import importing

    chosen = check_settings(seconds=seconds, steps=steps, guidance=guidance, solver=solver)
    check_seed(seed)
    check_candidates(candidates, seed)
    if keep_all and candidates == 1:
        raise SettingError("--keep-all for one candidate", "several", "Add --candidates 3, say.")
    with importing():
        found = gather(artworks, recursive=recursive)
    jobs = plan(found, out, candidates)
    jobs, kept = without_replacing(jobs, several=found.several) if no_replace else (jobs, [])
    groups = batches(jobs, seconds, together=candidates == 1)

    with reporting(len(groups)) as on_step:
        with importing():
            from .composing import Request, run

        request = Request(
            model,
            aligner,
            device,
            precision,
            seed,
            chosen,
            encoder=encoder,
            support=support,
            heads=heads,
            text=text,
            negative=negative,
            candidates=candidates,
            keep_all=keep_all,
            no_replace=no_replace,
        )
        outcome = run(request, groups, on_step)
    outcome.kept = kept
    report(outcome, found, as_json=as_json)
