"""`art2mus look`: draw an artwork beside its music's spectrogram, with the measurements of both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..pipelines.settings import check_seed, check_settings
from .outputs import NoReplace, check_file, print_file, print_lines
from .progress import importing, reporting


def look(
    artwork: Annotated[Path, typer.Argument(metavar="ART", help="Picture file of the artwork.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.png", help="Picture to write.")],
    seconds: Annotated[float, typer.Option(help="Length of the music in seconds, 1 to 120.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Seed of the initial noise; each seed gives another piece.")] = 0,
    shared_noise: Annotated[
        bool,
        typer.Option("--shared-noise", help="Start every artwork's music from the same noise, to compare pictures."),
    ] = False,
    no_level: Annotated[
        bool,
        typer.Option("--no-level", help="Keep the level of each piece as generated. Otherwise none is below -30 LUFS."),
    ] = False,
    model: Annotated[
        str, typer.Option(help="Model: pocket, a name in ART2MUS_HOME, or a checkpoint folder.")
    ] = "pocket",
    no_replace: NoReplace = False,
) -> None:
    """Draw an artwork beside the spectrogram of its music, with measurements of both."""
    chosen = check_settings(seconds=seconds, shared_noise=shared_noise, level=not no_level)
    check_seed(seed)
    replaced = check_file(out, (".png",), no_replace=no_replace)

    with importing():
        from ..figures.overview import draw_overview
        from ..figures.paper import save_image
        from ..images.reading import read_artwork
        from ..pipelines import load
        from .devices import choose_device, choose_precision

    picture = read_artwork(artwork)
    device = choose_device("auto")
    pipeline = load(model, dtype=choose_precision("auto", device), device=device, offload=True)
    with reporting() as on_step:
        (piece,) = pipeline.compose([picture], seeds=[seed], **chosen, on_step=on_step)
    save_image(draw_overview(picture, piece), out, no_replace=no_replace)
    print_file(out, replaced=replaced)
    print_lines(*(f"{artwork}: {note}" for note in picture.notes))
