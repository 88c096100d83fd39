"""`art2mus convert`: turn published weights of ImageBind or EfficientNet-Lite into an encoder's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import SettingError
from ..placing import check_absent
from .outputs import NoReplace, print_lines
from .progress import alone_in, importing, reporting

TOWERS, PRECISION = "vision,audio", "float16"


def convert(
    weights: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The published file: imagebind_huge.pth, or efficientnet-lite0-57934424.pth and its like.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder to write; for an EfficientNet-Lite, the checkpoint to train, whose image encoder it becomes.",
            show_default="ART2MUS_HOME/imagebind",
        ),
    ] = None,
    towers: Annotated[
        str, typer.Option(help="ImageBind: encoders to copy, vision (pictures), audio (sounds), or both.")
    ] = TOWERS,
    precision: Annotated[
        str, typer.Option(help="ImageBind: number format of the copy, float16 or float32.")
    ] = PRECISION,
    no_replace: NoReplace = False,
) -> None:
    """Convert published weights: ImageBind's encoders (1.4 of 4.8 GB with float16), or an EfficientNet-Lite as an image encoder to train."""
    if precision not in {"float16", "float32"}:
        raise SettingError(f"precision {precision!r}", "float16 or float32", "Check the name.")

    with importing():
        import torch

        from ..checkpoints.memory import allocating
        from ..checkpoints.names import home
        from ..encoders import efficientnet_files as efficientnet
        from ..encoders import imagebind_files as published

    if efficientnet.is_published(weights):
        if (towers, precision) != (TOWERS, PRECISION):
            raise SettingError(
                f"--towers {towers} --precision {precision} with {weights.name}",
                "neither: they choose among ImageBind's encoders; an EfficientNet-Lite is one, stored in float16",
                "Leave them out.",
            )
        _convert_efficientnet(weights, out, no_replace=no_replace)
        return
    chosen = [tower.strip() for tower in towers.split(",") if tower.strip()]
    folder = out or home() / "imagebind"
    dtype = torch.float16 if precision == "float16" else torch.float32
    with alone_in(folder, "conversion"), reporting() as on_step, allocating(f"the conversion of {weights.name}"):
        existing = [path for path in published.files_of(folder, chosen) if path.exists()]
        if no_replace:
            check_absent(existing)
        written = published.convert(
            weights, folder, towers=chosen, dtype=dtype, sizes=published.HUGE, no_replace=no_replace, on_step=on_step
        )
    print_lines(*(f"{path.parent}  {path.stat().st_size / 1e9:.2f} GB" for path in written))
    print_lines(*(f"replaced {path}" for path in existing))


def _convert_efficientnet(weights: Path, out: Path | None, *, no_replace: bool) -> None:
    from ..encoders import efficientnet_files

    if out is None:
        raise SettingError(
            "EfficientNet-Lite without --out", "the checkpoint folder to train", "Add --out runs/pocket."
        )
    with alone_in(out, "conversion"):
        existing = [path for path in efficientnet_files.files_of(out) if path.exists()]
        if no_replace:
            check_absent(existing)
        written = efficientnet_files.convert(weights, out)
    print_lines(f"{written.parent}  {written.stat().st_size / 1e6:.1f} MB", *(f"replaced {path}" for path in existing))
