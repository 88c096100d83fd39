"""`art2mus train`: one stage of training, from a packaged configuration or a YAML file of your own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .presenting import print_document


def train(
    name: Annotated[
        str, typer.Argument(help="embedding, vae, vocoder, prior, aligner, aligner-shuffled, or a YAML file.")
    ],
    data: Annotated[Path, typer.Option(help="A dataset folder, e.g. of `art2mus synthesize`.")],
    out: Annotated[Path, typer.Option(help="Checkpoint folder that the trained part is written into.")] = Path(
        "runs/pocket"
    ),
    run: Annotated[Path | None, typer.Option(help="Where the run's state is kept; OUT/../NAME if not given.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps in all, instead of the configuration's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed, instead of the configuration's.")] = None,
) -> None:
    """Train one part of the model. Stop it with Ctrl-C and start it again: it goes on where it was.

    Several processes share each batch: torchrun --nproc-per-node 2 --no-python -- art2mus train NAME ...
    """
    import torch

    from ..training.config import TrainingConfig
    from ..training.loop import train as run_training
    from ..training.processes import joined
    from ..training.stages import stage_builder
    from .devices import choose_device, tell_if_imitated
    from .progress import reporting
    from .waiting import alone_in

    overrides = {key: value for key, value in {"steps": steps, "seed": seed}.items() if value is not None}
    config, device = TrainingConfig.load(name, overrides), choose_device("auto")
    if config.precision == "bf16":
        tell_if_imitated(torch.bfloat16, device, "precision: auto in the configuration")
    folder = run or out.parent / Path(name).stem
    with alone_in(folder, f"training of {config.stage}"), joined(device) as place, reporting() as told:
        on_step = told if place.rank == 0 else None
        build = stage_builder(config, data, out, on_step, device=place.device)
        objective, history = run_training(build, config, folder, place=place, on_step=on_step)
        if place.rank:
            return
        objective.export(out)
        _write_history(folder, config.stage, history)
    figures = {k: v for row in history for k, v in row.items() if k.startswith("validation ")}
    print_document({"stage": config.stage, "steps": config.steps, "out": str(out), **figures})


def _write_history(folder: Path, stage: str, history: list[dict[str, float]]) -> None:
    from ..figures.paper import save_image
    from ..figures.plots import draw_lines

    (folder / "history.json").write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")
    lines = {"loss": [(row["step"], row["loss"]) for row in history if "loss" in row]}
    save_image(draw_lines(lines, title=f"{stage}: loss by step"), folder / "history.png")
