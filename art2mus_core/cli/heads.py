"""`art2mus heads`: which reading of the attention heads a model's weights were trained with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .outputs import AsJson

if TYPE_CHECKING:
    from ..pipelines.heads import Comparison

__all__ = ["heads"]


def heads(
    model: Annotated[str, typer.Argument(help="A name below ART2MUS_HOME, or a checkpoint folder.")],
    music: Annotated[list[Path], typer.Argument(metavar="MUSIC", help="Sound files of at least 10 s.")],
    draws: Annotated[
        int, typer.Option(help="Noise levels a file, 2 to 1000; more take longer and are more precise.")
    ] = 10,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="float32, bfloat16, float16 or auto.")] = "float32",
    as_json: AsJson = False,
) -> None:
    """Compare both readings of a model's attention heads by how well they predict noise on music.

    AudioLDM2's published configuration and the code it was trained with divide attention differently. The better reading is
    what `art2mus compose --heads` should be given; a trained aligner belongs to the reading it was trained with.
    """
    from .models import table
    from .presenting import print_document, print_line
    from .progress import reporting
    from .starting import importing

    with reporting() as on_step:
        with importing():
            from ..pipelines.heads import check_draws, compare_heads
            from ..pipelines.parts import Choice, open_parts
            from ..pipelines.stages import visiting
            from .devices import choose_device, choose_precision

        check_draws(draws, seed, len(music))
        chosen = choose_device(device)
        prior = open_parts(Choice(model, dtype=choose_precision(precision, chosen)))
        found = compare_heads(prior, music, draws=draws, seed=seed, resident=visiting(chosen), on_step=on_step)
    if as_json:
        print_document({"model": model, "music": [str(path) for path in music], "seed": seed, **_document(found)})
        return
    for line in table(_rows(found)):
        print_line(line)
    print_line(found.sentence)


def _rows(found: Comparison) -> list[tuple[str, ...]]:
    return [
        ("heads", "mean squared error", "standard error"),
        *((reading, *_figures(found.error(reading))) for reading in sorted(found.errors)),
        ("original - config", *_figures(found.difference)),
    ]


def _figures(mean_and_error: tuple[float, float]) -> tuple[str, str]:
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
