"""`art2mus evaluate`: systems make music for the same artworks, and are scored side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from .outputs import AsJson

__all__ = ["evaluate"]


def evaluate(
    config: Annotated[
        str, typer.Argument(help="A YAML file, or one that comes with the package: bundled, held_out, published.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the music and the report.")],
    artworks: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of pictures in the place of the file's own; may be given several times."),
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Search subfolders of --artworks too.")] = False,
    embedder: Annotated[
        list[str] | None, typer.Option(help="A judge in the place of the file's own; may be given several times.")
    ] = None,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Go on without judges whose weights are not here.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[
        str,
        typer.Option(help="Where a system names none: auto (whatever is fastest here), float32, bfloat16 or float16."),
    ] = "auto",
    as_json: AsJson = False,
) -> None:
    """Have systems compose for the same artworks, score them, and write one report with a gallery.

    art2mus evaluate bundled --artworks paintings --out study

    Pieces and embeddings that are there already, of the same content and settings, are kept: a run that was stopped goes on,
    and a changed setting makes only what it changes. OUT/report.html is the page, OUT/report.json has every figure.
    docs/EVALUATION.md shows a configuration line by line.
    """
    from .outputs import check_file
    from .progress import reporting
    from .starting import importing
    from .waiting import alone_in

    page = out / "report.html"
    check_file(page, (".html",))
    with reporting() as on_step:
        with importing():
            from ..evaluation.config import EvaluationConfig
            from ..evaluation.generation import generate
            from ..pipelines.stages import visiting
            from .devices import choose_device, choose_precision
            from .scoring import Judges, present, score_collection

        chosen = EvaluationConfig.load(config, _overrides(artworks, recursive=recursive))
        where = choose_device(device)
        named = {precision, *(getattr(system, "precision", None) or precision for system in chosen.systems.values())}
        dtypes = {name: choose_precision(name, where) for name in sorted(named)}
        judges = Judges.of(chosen.metrics, embedder, skip_missing=skip_missing, device=str(where))
        judges.opened()  # a judge that is not here is told before anything is made
        with alone_in(out, "evaluation"):
            made = generate(
                chosen,
                out,
                dtype=dtypes[precision],
                resident=visiting(where),
                on_step=lambda step: on_step(step if step.stage == "pieces" else replace(step, done=1, total=1)),
            )
            facts = {"config": config, "systems": made.systems, "seconds": chosen.seconds, "seeds": list(chosen.seeds)}
            report = score_collection(made.collection, judges, on_step, made=facts)
            present(report, made.collection, page, as_json=as_json, on_step=on_step)


def _overrides(artworks: list[Path] | None, *, recursive: bool) -> dict[str, Any]:
    """Folders of pictures, each reported under its own name where there are several."""
    if not artworks:
        return {}
    sources = [
        {"folder": str(folder.absolute()), "recursive": recursive, "group": folder.absolute().name}
        for folder in artworks
    ]
    return {"artworks": sources, "background": None}
