"""`art2mus train`: one stage of training, from a packaged configuration or a YAML file of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


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
    """Train one part of the model. Stop it with Ctrl-C and start it again: it goes on where it was."""
    import json

    import torch

    from ..figures.plots import draw_lines
    from ..figures.saving import save_image
    from ..training.config import load_config
    from ..training.loop import train as run_training
    from ..training.stages import stage_builder
    from .devices import choose_device, tell_if_imitated
    from .presenting import print_document
    from .progress import reporting
    from .waiting import alone_in

    overrides = {key: value for key, value in {"steps": steps, "seed": seed}.items() if value is not None}
    config = load_config(name, overrides)
    if config.precision == "bf16":
        tell_if_imitated(torch.bfloat16, choose_device("auto"), "precision: auto in the configuration")
    folder = run or out.parent / Path(name).stem
    with alone_in(folder, f"training of {config.stage}"), reporting() as on_step:
        objective, history = run_training(stage_builder(config, data, out, on_step), config, folder, on_step=on_step)
        objective.export(out)
        (folder / "history.json").write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")
        lines = {"loss": [(row["step"], row["loss"]) for row in history if "loss" in row]}
        save_image(draw_lines(lines, title=f"{config.stage}: loss by step"), folder / "history.png")
    figures = {k: v for row in history for k, v in row.items() if k.startswith("validation ")}
    print_document({"stage": config.stage, "steps": config.steps, "out": str(out), **figures})
