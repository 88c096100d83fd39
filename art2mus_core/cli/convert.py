"""`art2mus convert`: published weights into a small folder of our own, once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .outputs import NoReplace

__all__ = ["convert"]


def convert(
    weights: Annotated[Path, typer.Argument(metavar="FILE", help="imagebind_huge.pth as it was published.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The folder; imagebind below ART2MUS_HOME if not given.")
    ] = None,
    towers: Annotated[str, typer.Option(help="vision (pictures), audio (sounds), or both.")] = "vision,audio",
    precision: Annotated[str, typer.Option(help="float16 or float32.")] = "float16",
    no_replace: NoReplace = False,
) -> None:
    """Copy the parts of ImageBind that are used here: 1.4 GB of 4.8 in float16."""
    from ..errors import SettingError
    from .starting import importing

    if precision not in {"float16", "float32"}:
        raise SettingError(f"precision {precision!r}", "float16 or float32", "Check the name.")

    with importing():
        import torch

        from ..checkpoints.memory import allocating
        from ..checkpoints.names import home
        from ..encoders import imagebind_files as published
        from ..placing import check_absent
        from .presenting import print_line
        from .progress import reporting
        from .waiting import alone_in

    chosen = [tower.strip() for tower in towers.split(",") if tower.strip()]
    folder = out or home() / "imagebind"
    dtype = torch.float16 if precision == "float16" else torch.float32
    doing = f"the conversion of {weights.name}"
    with alone_in(folder, "conversion"), reporting() as on_step, allocating(doing):
        there = [path for path in published.files_of(folder, chosen) if path.exists()]
        if no_replace:
            check_absent(there)
        written = published.convert(
            weights, folder, towers=chosen, dtype=dtype, sizes=published.HUGE, no_replace=no_replace, on_step=on_step
        )
    for path in written:
        print_line(f"{path.parent}  {path.stat().st_size / 1e9:.2f} GB")
    for path in there:
        print_line(f"replaced {path}")
