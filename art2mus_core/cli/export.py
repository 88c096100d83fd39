"""`art2mus export`: write the aligner of a training run as a file of its own, with a model card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import SettingError
from .outputs import AsJson, NoReplace, check_file, print_document, print_lines
from .progress import importing

if TYPE_CHECKING:
    from ..training.run.exporting import Exported


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run of `art2mus train` of the stage aligner.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="File (.safetensors).",
            show_default="RUN/export/NAME.safetensors, NAME being the name of the folder RUN",
        ),
    ] = None,
    install: Annotated[
        str | None,
        typer.Option(
            help="Name under which the aligner is put into ART2MUS_HOME, where `compose --aligner NAME` finds it."
        ),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the weights.", show_default="the configuration's")
    ] = None,
    state: Annotated[
        int | None, typer.Option(help="Number of steps after which the state was saved.", show_default="the newest")
    ] = None,
    no_replace: NoReplace = False,
    as_json: AsJson = False,
) -> None:
    """Write a trained aligner as one file, which the nodes and `art2mus compose --aligner` take at once.

    art2mus export runs/mine

    art2mus export runs/mine --install mine

    The header of the file names its encoder and its model. A model card says
    what it was trained on, with the licences of the music: README.md in the
    folder RUN/export or in that of an installed aligner; beside a file
    that --out names, the card has the file's name and ends in .md.

    Training may go on meanwhile: the newest complete state is taken.
    """
    if out and install:
        raise SettingError("--out and --install", "one of them", "Leave out the other.")
    with importing():
        from ..checkpoints.names import quoted
        from ..training.run.exporting import SUFFIX, export_run, installed_file
        from .training import warned

    path = installed_file(install) if install else out
    if path:
        check_file(path, (SUFFIX,), no_replace=no_replace)
    with warned():
        made = export_run(run, path, licence=licence, step=state, no_replace=no_replace)
    if as_json:
        files = {"file": made.path, "card": made.card, **({"lora": made.lora} if made.lora else {})}
        print_document({**{name: str(each) for name, each in files.items()}, "step": made.step, "prior": made.prior})
        return
    there = f"the node Image Aligner lists {install} here; elsewhere, " if install else ""
    print_lines(
        str(made.path),
        f"{made.card}  the model card",
        *([f"{made.lora}  the LoRA of the denoiser"] if made.lora else []),
        *(f"replaced {each}" for each in made.replaced),
        *([f"deleted {made.deleted}, the LoRA of the aligner before"] if made.deleted else []),
        f"Next: {_following(made, quoted(install or made.path))}",
        f"For ComfyUI: {there}a folder with this file in models/art2mus, such as models/art2mus/{made.path.stem}",
    )


def _following(made: Exported, aligner: str) -> str:
    """The command that composes with an exported aligner, with names and paths that are found from here."""
    from ..checkpoints.names import is_encoder, is_prior, name_for_command, quoted

    model = name_for_command(made.checkpoint) if is_prior(made.checkpoint) else quoted(made.prior)
    command = f"art2mus compose ARTWORK --model {model} --aligner {aligner}"
    if made.encoder and is_encoder(made.encoder) and (encoder := name_for_command(made.encoder)) != made.encoder.name:
        command += f" --encoder {encoder}"
    return f"{command} --lora {quoted(made.lora)}" if made.lora else command
