"""`art2mus convert`: turn published weights of ImageBind, EfficientNet-Lite or Art2Music into a checkpoint's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import SettingError
from ..placing import check_absent
from .outputs import NoReplace, print_lines
from .progress import alone_in, importing, reporting

TOWERS, PRECISION, CLIP = "vision,audio", "float16", "clip-vit-h-14"


def convert(
    weights: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The published file: imagebind_huge.pth, efficientnet-lite0-57934424.pth and its like, or Art2Music's mel decoder.",
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
    fusion: Annotated[Path | None, typer.Option(help="Art2Music: weights of the fusion.", metavar="FILE")] = None,
    vocoder: Annotated[
        Path | None,
        typer.Option(help="Art2Music: HiFi-GAN's generator, with its config.json beside it.", metavar="FILE"),
    ] = None,
    normalisation: Annotated[
        str | None,
        typer.Option(
            help="Art2Music: normalisation of the decoder's mel, none, range:LOW,HIGH or standard:MEAN,STD.",
            metavar="NAME",
        ),
    ] = None,
    encoder: Annotated[str, typer.Option(help="Art2Music: CLIP that the fusion was trained with.")] = CLIP,
    no_replace: NoReplace = False,
) -> None:
    """Convert published weights into a checkpoint's folder.

    ImageBind's encoders (1.4 of 4.8 GB with float16); an EfficientNet-Lite
    as an image encoder to train; or Art2Music's mel decoder with its fusion
    and its HiFi-GAN, as a model.
    """
    if precision not in {"float16", "float32"}:
        raise SettingError(f"precision {precision!r}", "float16 or float32", "Check the name.")

    with importing():
        import torch

        from ..checkpoints.memory import allocating
        from ..checkpoints.names import home
        from ..encoders import efficientnet_files as efficientnet
        from ..encoders import imagebind_files as published
        from ..pipelines import art2music_files as art2music

    if art2music.is_decoder(weights):
        _convert_art2music(weights, out, fusion, vocoder, normalisation, encoder, no_replace=no_replace)
        return
    if fusion or vocoder or normalisation:
        raise SettingError(
            f"--fusion, --vocoder or --normalisation with {weights.name}",
            "a file with Art2Music's mel decoder (feat_proj, pos_emb, lstm and out_proj)",
            "Name the file of the decoder first.",
        )
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


def _convert_art2music(
    weights: Path,
    out: Path | None,
    fusion: Path | None,
    vocoder: Path | None,
    normalisation: str | None,
    encoder: str,
    *,
    no_replace: bool,
) -> None:
    from ..audio.normalisation import named_option
    from ..checkpoints.names import is_encoder, locate
    from ..encoders.files import image_sizes, image_space
    from ..pipelines.art2music_files import COMPONENTS, Published, convert

    if fusion is None:
        raise SettingError(
            "Art2Music's decoder without --fusion",
            "the weights of the fusion that it was trained with; the published notebook neither trains nor saves them",
            "Train a fusion and a decoder of your own with art2mus train mel, or name the file with --fusion.",
        )
    needed = {"--out": out, "--vocoder": vocoder, "--normalisation": normalisation}
    if out is None or vocoder is None or normalisation is None:
        raise SettingError(
            f"Art2Music's decoder without {', '.join(name for name, value in needed.items() if value is None)}",
            "a folder to write, HiFi-GAN's generator, and the normalisation of the mels, which no published file tells",
            "Add --out FOLDER --vocoder FILE --normalisation none, range:LOW,HIGH or standard:MEAN,STD.",
        )
    option, clip = named_option(normalisation), locate(encoder, is_encoder)
    files = Published(
        *(weights, fusion, vocoder, option),
        encoder=encoder,
        space=image_space(clip),
        dim=image_sizes(clip)["dim"],
    )
    with alone_in(out, "conversion"):
        existing = [out / name for name in ("model_index.json", *COMPONENTS) if (out / name).exists()]
        if no_replace:
            check_absent(existing)
        written = convert(files, out)
    print_lines(*map(str, written), *(f"replaced {path}" for path in existing))
