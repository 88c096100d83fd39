"""`art2mus evaluate`: compose with several systems for the same artworks, and compare their scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from .outputs import AsJson, check_file
from .progress import alone_in, importing, reporting


def evaluate(
    config: Annotated[
        str, typer.Argument(help="YAML file, or a packaged configuration: bundled, held_out or published.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the music and the report.")],
    artworks: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of artworks to use instead of the configuration's; may be repeated."),
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Search subfolders of --artworks too.")] = False,
    embedder: Annotated[
        list[str] | None, typer.Option(help="Embedder to use instead of the configuration's; may be repeated.")
    ] = None,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Skip models whose weights are not installed.")
    ] = False,
    device: Annotated[str, typer.Option(help="Device: auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[
        str,
        typer.Option(
            help="Number format of systems that choose none: auto (the fastest on the device), float32, bfloat16 or float16."
        ),
    ] = "auto",
    as_json: AsJson = False,
) -> None:
    """Compose with several systems for the same artworks, score them, and write a report with a gallery.

    art2mus evaluate bundled --artworks paintings --out study

    The page is OUT/report.html; OUT/report.json has all results. Pieces and
    embeddings of an earlier run are reused if their content and settings are
    the same, so an interrupted run resumes, and a changed setting recomputes
    only what depends on it. docs/EVALUATION.md explains a configuration line by
    line.
    """
    page = out / "report.html"
    check_file(page, (".html",))
    with reporting() as on_step:
        with importing():
            from ..evaluation.config import EvaluationConfig
            from ..evaluation.generation import generate
            from ..pipelines.stages import visiting
            from .devices import choose_device, choose_precision
            from .scoring import open_models, present, score_collection

        chosen = EvaluationConfig.load(config, _overrides(artworks, recursive=recursive))
        where = choose_device(device)
        named = {precision, *(getattr(system, "precision", None) or precision for system in chosen.systems.values())}
        dtypes = {name: choose_precision(name, where) for name in sorted(named)}
        skip_missing = skip_missing or chosen.metrics.skip_missing
        metrics = {"embedders": embedder or chosen.metrics.embedders, "skip_missing": skip_missing}
        models = chosen.metrics.model_copy(update=metrics)
        open_models(models, str(where))  # a missing model is an error before anything is composed
        with alone_in(out, "evaluation"):
            made = generate(
                chosen,
                out,
                dtype=dtypes[precision],
                resident=visiting(where),
                on_step=lambda step: on_step(step if step.stage == "pieces" else replace(step, done=1, total=1)),
            )
            facts = {"config": config, "systems": made.systems, "seconds": chosen.seconds, "seeds": list(chosen.seeds)}
            report = score_collection(made.collection, models, str(where), on_step, made=facts)
            present(report, made.collection, page, as_json=as_json, on_step=on_step)


def _overrides(artworks: list[Path] | None, *, recursive: bool) -> dict[str, Any]:
    """Sources of artworks, each folder with its results reported under its own name."""
    if not artworks:
        return {}
    sources = [
        {"folder": str(folder.absolute()), "recursive": recursive, "group": folder.absolute().name}
        for folder in artworks
    ]
    return {"artworks": sources, "background": None}
