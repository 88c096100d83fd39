"""`art2mus heads`: find the number of attention heads that a model's weights were trained with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .outputs import AsJson, print_document, print_lines, table
from .progress import importing, reporting

if TYPE_CHECKING:
    from ..pipelines.heads import Comparison


def heads(
    model: Annotated[str, typer.Argument(help="Name of a model in ART2MUS_HOME, or a checkpoint folder.")],
    music: Annotated[list[Path], typer.Argument(metavar="MUSIC", help="Sound files of at least 10 s.")],
    draws: Annotated[
        int,
        typer.Option(
            help="Number of noise levels per file, 2 to 1000; more take longer and give a more precise result."
        ),
    ] = 10,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    device: Annotated[str, typer.Option(help="Device: auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="Number format: float32, bfloat16, float16 or auto.")] = "float32",
    as_json: AsJson = False,
) -> None:
    """Compare the two ways to divide a model's attention into heads, by their noise prediction error on music.

    AudioLDM 2's published configuration and the code it was trained with divide
    attention differently. Pass the better one to `art2mus compose --heads`,
    unless the aligner was trained with the other.
    """
    with reporting() as on_step:
        with importing():
            from ..pipelines.choice import Choice
            from ..pipelines.heads import check_draws, compare_heads
            from ..pipelines.parts import open_parts
            from ..pipelines.stages import visiting
            from .devices import choose_device, choose_precision

        check_draws(draws, seed, len(music))
        chosen = choose_device(device)
        prior = open_parts(Choice(model, dtype=choose_precision(precision, chosen)))
        found = compare_heads(prior, music, draws=draws, seed=seed, resident=visiting(chosen), on_step=on_step)
    if as_json:
        print_document({"model": model, "music": [str(path) for path in music], "seed": seed, **_document(found)})
        return
    rows = [
        ("heads", "mean squared error", "standard error"),
        *((reading, *_cells(found.error(reading))) for reading in sorted(found.errors)),
        ("original - config", *_cells(found.difference)),
    ]
    print_lines(*table(rows), found.sentence)


def _cells(mean_and_error: tuple[float, float]) -> tuple[str, str]:
    mean, error = mean_and_error
    return f"{mean:.5f}", f"{error:.5f}"


def _document(found: Comparison) -> dict[str, Any]:
    def pair(mean_and_error: tuple[float, float]) -> dict[str, float]:
        return dict(zip(("mean", "standard_error"), mean_and_error, strict=True))

    return {
        "timesteps": list(found.timesteps),
        "errors": {
            reading: {**pair(found.error(reading)), "all": values.tolist()} for reading, values in found.errors.items()
        },
        "difference": pair(found.difference),
        "verdict": found.verdict,
        "sentence": found.sentence,
    }
