"""`art2mus export-text`: what a published checkpoint is told in words, computed once so that it needs no text encoders."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import SettingError
from .outputs import NoReplace

__all__ = ["export_text"]


def export_text(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A published audio prior: a name or a folder.")],
    negative: Annotated[
        str | None, typer.Option(help='What music is pushed away from; "Low quality." if not given, "" for nothing.')
    ] = None,
    support: Annotated[
        str | None, typer.Option(help="A support prompt of your own, instead of the three of Art2Mus 2024.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What your support prompt is called.")] = None,
    no_replace: NoReplace = False,
) -> None:
    """Compute a published model's text constants, once after fetching it.

    Composing from pictures alone, AudioLDM 2 is told the same words every time:
    a support prompt ("Music representing the content of this artwork") and a
    negative prompt. This command has its two text encoders read them and stores
    the answers in MODEL/constants, less than 0.5 MB; from then on neither of
    them, half of the weights, is opened.

    `art2mus compose --support NAME` then chooses among model (the default),
    period, emotion, and your own. The negative prompt is that of the authors'
    test script; their pipeline takes the empty text where none is given.

    art2mus export-text audioldm2

    art2mus export-text audioldm2 --support "A slow dance" --name dance
    """
    from .starting import importing

    if (support is None) != (name is None):
        raise SettingError("--support or --name alone", "both, or neither", 'Give --support "TEXT" --name NAME.')
    with importing():
        from ..checkpoints.names import locate
        from ..conditioning.constants import constants_file
        from ..pipelines import texts
        from ..placing import check_absent
        from .presenting import print_line
        from .progress import reporting
        from .waiting import alone_in

    supports = texts.SUPPORTS if support is None or name is None else {name: support}
    chosen = texts.NEGATIVE if negative is None else negative
    folder = locate(model)
    with alone_in(folder, "export of text constants"), reporting() as on_step:
        there = [path for path in (constants_file(folder, each) for each in supports) if path.exists()]
        if no_replace:
            check_absent(there)
        written = texts.export_text(folder, supports=supports, negative=chosen, on_step=on_step)
    for path in written:
        print_line(f"{path}  {path.stat().st_size / 1e3:.1f} kB  {supports[path.stem]}")
    for path in there:
        print_line(f"replaced {path}")
