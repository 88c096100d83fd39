"""`art2mus look`: an artwork beside its music's spectrogram, with the measured statistics of both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .outputs import NoReplace

__all__ = ["look"]


def look(
    artwork: Annotated[Path, typer.Argument(metavar="ART", help="A picture file.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.png", help="The picture to be drawn.")],
    seconds: Annotated[float, typer.Option(help="Length of the music, 1 to 60.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Another seed is another piece.")] = 0,
    model: Annotated[str, typer.Option(help="pocket, a name below ART2MUS_HOME, or a checkpoint folder.")] = "pocket",
    no_replace: NoReplace = False,
) -> None:
    """Draw an artwork beside the spectrogram of its music, with what is measured in both."""
    from ..pipelines.settings import check_seed, check_settings
    from .outputs import check_file
    from .starting import importing

    chosen = check_settings(seconds=seconds)
    check_seed(seed)
    replaced = check_file(out, (".png",), no_replace=no_replace)

    with importing():
        from ..figures.look import draw_look
        from ..figures.paper import save_image
        from ..images.reading import read_artwork
        from .composing import Request
        from .presenting import print_file, print_line
        from .progress import reporting

    picture = read_artwork(artwork)
    pipeline = Request(model, "model", "auto", "auto", seed, chosen).open(frugal=True)
    with reporting() as on_step:
        (piece,) = pipeline.compose([picture], seeds=[seed], **chosen, on_step=on_step)
    save_image(draw_look(picture, piece), out, no_replace=no_replace)
    print_file(out, replaced=replaced)
    for note in picture.notes:
        print_line(f"{artwork}: {note}")
