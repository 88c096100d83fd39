"""`art2mus compose`: compose music files for artworks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import SettingError
from ..pipelines.presets import precision_of
from ..pipelines.settings import LONGEST, SHORTEST, check_candidates, check_number, check_seed, check_settings
from .outputs import AsJson, NoReplace
from .planning import batches, gather, plan, without_replacing
from .presenting import report
from .progress import importing, reporting

PARTS = "The model and its parts"
PROCESSES = "Several processes"


def compose(
    artworks: Annotated[list[Path], typer.Argument(metavar="ARTWORK", help="Picture files or folders of pictures.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="File for one artwork (.flac, .wav, .mp3, .opus or .ogg), or folder for several."
        ),
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Search subfolders too.")] = False,
    comments: Annotated[
        list[str] | None,
        typer.Option(
            "--comment",
            help="Comment of a viewer on the artworks, for the route art2music; may be given several times.",
        ),
    ] = None,
    balance: Annotated[
        float | None,
        typer.Option(
            help="Balance between picture (0) and comments (1), for the route art2music.",
            show_default="0.5",
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(help="Length of each piece in seconds, 1 to 120; with art2music to 10.")
    ] = 10.0,
    seed: Annotated[
        int, typer.Option(help="Seed of the initial noise; each seed gives another piece for the same artwork.")
    ] = 0,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Settings by name: exact, balanced, fast or instant, as far as the model has them. Options beside it count more, except with instant.",
            show_default="balanced",
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps, 1 to 1000.", show_default="the preset's")] = None,
    guidance: Annotated[
        float | None,
        typer.Option(
            help="Guidance scale, 0 to 20: how closely the music follows the artwork.", show_default="the preset's"
        ),
    ] = None,
    solver: Annotated[
        str | None,
        typer.Option(
            help="Solver of the diffusion: dpm++2m-karras, unipc-karras, unipc-rho20 or ddim.",
            show_default="the preset's",
        ),
    ] = None,
    guided_below: Annotated[
        float | None,
        typer.Option(
            help="Share of the noise levels, from the lowest up, at which guidance is computed, 0 to 1; less is faster.",
            show_default="the preset's",
        ),
    ] = None,
    shared_noise: Annotated[
        bool,
        typer.Option(
            "--shared-noise", help="Start every artwork's music from the same noise, for morphs and comparisons."
        ),
    ] = False,
    no_level: Annotated[
        bool,
        typer.Option("--no-level", help="Keep the level of each piece as generated. Otherwise none is below -30 LUFS."),
    ] = False,
    reprise: Annotated[
        float | None,
        typer.Option(
            help="Likeness of returning bars and phrases to the first, 0 to 1, in pieces of three bars or more.",
            show_default="the model's",
        ),
    ] = None,
    candidates: Annotated[
        int,
        typer.Option(
            help="Compose this many pieces with consecutive seeds, and keep the one that best matches the artwork."
        ),
    ] = 1,
    keep_all: Annotated[
        bool, typer.Option("--keep-all", help="Keep all candidates, best first, as NAME, NAME--2, NAME--3.")
    ] = False,
    no_replace: NoReplace = False,
    route: Annotated[
        str | None,
        typer.Option(
            help="Route from artwork to music: diffusion or art2music, each with a bundled model.",
            show_default="the model's",
            rich_help_panel=PARTS,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Model: pocket, art2music, a name in ART2MUS_HOME, or a checkpoint folder.",
            show_default="pocket",
            rich_help_panel=PARTS,
        ),
    ] = None,
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
            help="Image encoder: pocket, imagebind, or the folder of a CLIP model.",
            show_default="the one the aligner was trained with",
            rich_help_panel=PARTS,
        ),
    ] = None,
    support: Annotated[
        str,
        typer.Option(
            help="Support prompt stored by `art2mus export-text`: model (the artwork's content), period or emotion.",
            rich_help_panel=PARTS,
        ),
    ] = "model",
    text: Annotated[
        str | None,
        typer.Option(
            help="Text prompt used together with the artwork, for models with text encoders.", rich_help_panel=PARTS
        ),
    ] = None,
    negative: Annotated[
        str | None,
        typer.Option(help="Negative prompt, for models with text encoders.", rich_help_panel=PARTS),
    ] = None,
    heads: Annotated[
        str,
        typer.Option(help="Attention heads: config or original, as `art2mus heads` recommends.", rich_help_panel=PARTS),
    ] = "config",
    lora: Annotated[
        str | None,
        typer.Option(
            metavar="FILE[:STRENGTH]",
            help="LoRA of the denoiser, trained for the model; a strength of 0 changes nothing.",
            rich_help_panel=PARTS,
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="Device: auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[
        str | None,
        typer.Option(
            help="Number format: auto (the fastest on the device), float32, bfloat16 or float16.",
            show_default="auto; float32 with --preset exact",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of processes that compose the pictures of a folder, each with one thread.",
            show_default="by cores, pictures and memory",
            rich_help_panel=PROCESSES,
        ),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            help="Engine of the processes: local (this machine), or ray (a Ray here or a cluster).",
            rich_help_panel=PROCESSES,
        ),
    ] = "local",
    as_json: AsJson = False,
) -> None:
    """Compose music for artworks, directly from their pictures."""
    # Settings are checked before files, and files before weights, so that errors appear at once.
    if not SHORTEST <= seconds <= LONGEST:
        with importing():
            from ..pipelines.routes import check_length
        check_length(seconds, model, route)
    chosen = check_settings(
        seconds=seconds,
        preset=preset,
        steps=steps,
        guidance=guidance,
        solver=solver,
        guided_below=guided_below,
        shared_noise=shared_noise,
        level=not no_level,
        reprise=reprise,
    )
    check_seed(seed)
    check_candidates(candidates, seed)
    if keep_all and candidates == 1:
        raise SettingError("--keep-all with one candidate", "several", "Add --candidates 3, for example.")
    if balance is not None:
        check_number("balance", balance, 0.0, 1.0)
    with importing():
        found = gather(artworks, recursive=recursive)
        jobs = plan(found, out, candidates)
    jobs, kept = without_replacing(jobs, several=found.several) if no_replace else (jobs, [])

    with reporting():
        with importing():
            from ..checkpoints.lora import Lora
            from ..pipelines.choice import Choice
            from ..pipelines.comments import AS_TRAINED, Comments
            from ..pipelines.routes import choose_model
            from .composing import Request
            from .devices import choose_device, choose_precision
            from .spreading import choose_workers, run_spread

        model = choose_model(model, route, commented=bool(comments) or balance is not None)
        where = choose_device(device)
        change = Lora.parse(lora) if lora else None
        dtype = choose_precision(precision or precision_of(preset), where, warned=False)
        choice = Choice(model, aligner, encoder, support, heads, dtype, change, preset)
        told = Comments(tuple(comments or ()), AS_TRAINED if balance is None else balance)
        request = Request(choice, where, seed, chosen, text, negative, told, candidates, keep_all, no_replace)
        groups = batches(jobs, request.batch if candidates == 1 else 1)
        count = choose_workers(request, groups, workers, engine)
    with reporting(len(groups) if count == 1 else 1) as on_step:
        outcome = run_spread(request, groups, on_step, engine=engine, workers=count)
    if outcome is None:
        return
    outcome.kept = kept
    if precision not in (None, "auto", outcome.precision):
        only = f"all networks of this model compute in {outcome.precision}"
        outcome.notes.append(f"precision {precision} has no effect: {only}")
    if count == len(groups) < (workers or 0):
        share = "picture" if count == len(jobs) else "batch of pictures"
        outcome.notes.append(f"workers {workers}: {count} composed, one for each {share}")
    report(outcome, found, as_json=as_json)
