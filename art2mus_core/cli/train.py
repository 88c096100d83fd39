"""`art2mus train`: run one stage of training, from a packaged configuration or a YAML file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..errors import SettingError
from ..pipelines.settings import check_seed
from .outputs import print_document
from .progress import alone_in, reporting
from .streams import notify_of


def train(
    name: Annotated[
        str,
        typer.Argument(
            help="Configuration: embedding, embedding-image, vae, vocoder, prior, aligner, aligner-shuffled, or a YAML file."
        ),
    ],
    data: Annotated[Path, typer.Option(help="Dataset folder, for example one made by `art2mus synthesize`.")],
    out: Annotated[Path, typer.Option(help="Checkpoint folder to which the trained part is added.")] = Path(
        "runs/pocket"
    ),
    run: Annotated[
        Path | None, typer.Option(help="Folder for the state of the run.", show_default="OUT-runs/NAME")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Total number of steps.", show_default="the configuration's")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the run.", show_default="the configuration's")] = None,
) -> None:
    """Train one part of a model. If stopped with Ctrl-C, the same command resumes the run.

    embedding: head of the image encoder and an audio encoder; from 72 pairs.

    embedding-image: head alone, for the audio encoder there is; from 256 pairs.

    vae: mel spectrograms to latents and back.

    vocoder: mel spectrograms to sound.

    prior: embeddings of sound to latents, by GPT-2 and a denoiser.

    aligner: embeddings of artworks to prompts of GPT-2; all else is frozen.

    aligner-shuffled: the same with shuffled pairs, as a control.

    To share each batch among several processes:

    torchrun --nproc-per-node 2 --no-python -- art2mus train NAME ...
    """
    if seed is not None:
        check_seed(seed)
    if steps is not None and steps < 1:
        raise SettingError(f"steps {steps}", "1 or more", "Choose another value for --steps.")

    import torch

    from ..training.config import TrainingConfig
    from ..training.loop import train as run_training
    from ..training.processes import accelerated
    from ..training.saving import DamagedStateWarning
    from ..training.stages import stage_builder
    from .devices import choose_device, warn_if_emulated

    overrides = {key: value for key, value in {"steps": steps, "seed": seed}.items() if value is not None}
    config, device = TrainingConfig.load(name, overrides), choose_device("auto")
    if config.precision == "bf16":
        warn_if_emulated(torch.bfloat16, device, "precision: auto in the configuration")
    own = out.resolve()
    folder = run or own.with_name(f"{own.name}-runs") / Path(name).stem
    with (
        alone_in(folder, f"training of {config.stage}"),
        accelerated(config, device) as accelerator,
        reporting() as bar,
    ):
        on_step = bar if accelerator.is_main_process else None
        build = stage_builder(config, data, out, on_step, device=accelerator.device)
        with notify_of(DamagedStateWarning):
            objective, history = run_training(build, config, folder, accelerator=accelerator, on_step=on_step)
        if not accelerator.is_main_process:
            return
        objective.export(out)
        _write_history(folder, config.stage, history)
    values = {k: v for entry in history for k, v in entry.items() if k.startswith("validation ")}
    print_document({"stage": config.stage, "steps": config.steps, "out": str(out), **values})


def _write_history(folder: Path, stage: str, history: list[dict[str, float]]) -> None:
    from ..figures.paper import save_image
    from ..figures.plots import draw_curve

    (folder / "history.json").write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")
    points = [(entry["step"], entry["loss"]) for entry in history if "loss" in entry]
    save_image(draw_curve(points, title=f"{stage}: loss by step"), folder / "history.png")
