"""`art2mus train`: run one stage of training, from a packaged configuration or a YAML file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import SettingError
from ..pipelines.settings import check_seed
from ..placing import check_folder
from .outputs import AsJson
from .progress import importing


def train(
    name: Annotated[
        str,
        typer.Argument(
            help="Configuration: a name from the list above, or a YAML file, which may differ from a named `base`."
        ),
    ],
    data: Annotated[Path, typer.Option(help="Dataset folder, for example one made by `art2mus dataset make`.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Checkpoint folder to which the trained part is added.", show_default="runs/pocket"),
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            help="Model on which an aligner is trained, instead of --out: a name or a folder, which stays as it is."
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="Image encoder of an aligner: a name or a folder.", show_default="the configuration's"),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Folder for the state of the run.", show_default="OUT-runs/NAME, or runs/NAME with --prior"),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change of the configuration, such as batch=16 or options.crop=100; may be repeated.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Total number of steps.", show_default="the configuration's")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the run.", show_default="the configuration's")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the sizes of the training, and compute and write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train one part of a model. If stopped with Ctrl-C, the same command resumes the run.

    embedding: head of the image encoder and an audio encoder; from 72 pairs.

    embedding-image: head alone, for the audio encoder there is; from 256 pairs.

    vae: mel spectrograms to latents and back.

    vocoder: mel spectrograms to sound.

    prior: embeddings of sound to latents, by GPT-2 and a denoiser.

    aligner: embeddings of artworks to prompts of GPT-2; all else is frozen.

    aligner-shuffled: the same with shuffled pairs, as a control.

    aligner-no-pairs: trained on music alone, and used with artworks.

    aligner-resampler: reads the patches of artworks.

    student: a denoiser's student, which takes few steps without guidance.

    art2mus-2024: the set-up of Art2Mus (2024), with one token.

    art2mus-2024-4: the same with four tokens.

    arttomus-2026: our reading of ArtToMus (2026), with ImageBind.

    arttomus-2026-clip: the same with a CLIP.

    arttomus-2026-resampler: the same with the patches of artworks.

    arttomus-2026-no-pairs: the same, trained on music alone.

    art2music-codec: Art2Music's mel spectrograms to latents and back.

    art2music-tonewheel: Art2Music's mel spectrograms to sound.

    art2music: artworks and comments to mel spectrograms, by diffusion.

    art2music-regression: the same without diffusion.

    art2music-2025: the published Art2Music (2025), with a CLIP.

    art2music-vocoder: HiFi-GAN on Art2Music's mel, as published.

    An aligner on a model that stays as it is, and its file:

    art2mus train aligner --data DATA --prior pocket --run runs/mine

    art2mus export runs/mine

    To share each batch among several processes:

    torchrun --nproc-per-node 2 --no-python -- art2mus train NAME ...
    """
    if seed is not None:
        check_seed(seed)
    if steps is not None and steps < 1:
        raise SettingError(f"steps {steps}", "1 or more", "Choose another value for --steps.")
    if prior and out:
        raise SettingError("--prior and --out", "one of them", "Leave out --out: `art2mus export` writes the aligner.")
    with importing():
        from ..training.run.outlook import look, part_folder
        from ..training.stages import load_config
        from .devices import choose_device
        from .training import Task, carry_out, check_watching, print_outlook, print_trained

    named = None if encoder is None else json.dumps(encoder, ensure_ascii=False)  # as YAML, 1 and no are no names
    own = {"steps": steps, "seed": seed, "options.encoder": named}
    changes = [*(settings or []), *(f"{key}={value}" for key, value in own.items() if value is not None)]
    config = load_config(name, settings=changes)
    checkpoint = part_folder(config, out or Path("runs/pocket"), prior)
    task = Task(config, data, checkpoint, run or _run_folder(name, checkpoint, prior), adds=prior is None)
    for folder in (checkpoint, task.run):
        check_folder(folder)
    check_watching(task)
    if dry_run:
        processes = int(told) if (told := os.environ.get("WORLD_SIZE", "")).isdecimal() else 1  # of a launcher
        outlook = look(config, data, checkpoint, device=choose_device("auto"), processes=processes)
        print_outlook(outlook, task, as_json=as_json)
    else:
        history = carry_out(task, ["art2mus", *sys.argv[1:]])
        if history is not None:
            print_trained(task, history, as_json=as_json)


def _run_folder(name: str, checkpoint: Path, prior: str | None) -> Path:
    """The folder of a run that is given none: in `runs`, or beside the checkpoint to which it adds a part."""
    if prior:
        return Path("runs") / Path(name).stem
    own = checkpoint.resolve()
    return own.with_name(f"{own.name}-runs") / Path(name).stem
