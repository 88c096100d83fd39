"""`art2mus export-text`: compute a checkpoint's text constants once, so that composing needs no text encoders."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import SettingError
from ..placing import check_absent
from .outputs import NoReplace, print_lines
from .progress import alone_in, importing, reporting


def export_text(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Name or folder of a published audio prior, such as audioldm2.")
    ],
    negative: Annotated[
        str | None, typer.Option(help='Negative prompt; "" for none.', show_default="Low quality.")
    ] = None,
    support: Annotated[
        str | None, typer.Option(help="Your support prompt, instead of the three of Art2Mus 2024; needs --name.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of your support prompt.")] = None,
    no_replace: NoReplace = False,
) -> None:
    """Compute a published model's text constants, once after fetching it.

    art2mus export-text audioldm2

    art2mus export-text audioldm2 --support "A slow dance" --name dance

    AudioLDM 2 is conditioned on text, even when it composes from pictures
    alone: on a support prompt ("Music representing the content of this
    artwork") and a negative prompt. This command encodes both with the model's
    two text encoders and stores the result in MODEL/constants (less than 0.5
    MB). Composing then loads neither text encoder, which saves half of the
    weights.

    `art2mus compose --support NAME` chooses the support prompt: model (the
    default), period, emotion, or yours. The default negative prompt is that of
    the authors' test script; their pipeline uses the empty text.
    """
    if (support is None) != (name is None):
        raise SettingError("--support or --name alone", "both, or neither", 'Give --support "TEXT" --name NAME.')
    with importing():
        from ..checkpoints.names import locate
        from ..conditioning.constants import constants_file
        from ..pipelines import texts

    supports = texts.SUPPORTS if support is None or name is None else {name: support}
    chosen = texts.NEGATIVE if negative is None else negative
    folder = locate(model)
    with alone_in(folder, "export of text constants"), reporting() as on_step:
        existing = [path for path in (constants_file(folder, each) for each in supports) if path.exists()]
        if no_replace:
            check_absent(existing)
        written = texts.export_text(folder, supports=supports, negative=chosen, on_step=on_step)
    print_lines(*(f"{path}  {path.stat().st_size / 1e3:.1f} kB  {supports[path.stem]}" for path in written))
    print_lines(*(f"replaced {path}" for path in existing))
