"""The table of training stages: the objective of each, and the source of its sizes."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import torch

from ..types import AudioGrid, OnStep
from .config import TrainingConfig
from .features import Dataset, Working
from .grids import checkpoint_grid, latent_grid, mel_grid
from .objective import Objective

__all__ = ["OBJECTIVES", "stage_builder"]


class StageEntry(NamedTuple):
    """The module and name of a stage's objective, and the function that returns its grid."""

    module: str
    name: str
    grid: Callable[[TrainingConfig, Path], AudioGrid]


OBJECTIVES: dict[str, StageEntry] = {
    "embedding": StageEntry("embedding", "EmbeddingObjective", mel_grid),
    "vae": StageEntry("vae", "VaeObjective", mel_grid),
    "vocoder": StageEntry("vocoder", "VocoderObjective", mel_grid),
    "prior": StageEntry("prior", "PriorObjective", latent_grid),
    "aligner": StageEntry("aligner", "AlignerObjective", checkpoint_grid),
}


def stage_builder(
    config: TrainingConfig,
    data: Path,
    checkpoint: Path,
    on_step: OnStep | None = None,
    *,
    device: torch.device | None = None,
) -> Callable[[], Objective]:
    """A function that builds the objective of a stage for a dataset folder and a checkpoint folder.

    Missing features of the dataset are computed on `device` when the function is called.
    """
    entry = OBJECTIVES[config.stage]

    def build() -> Objective:
        objective: type[Objective] = getattr(import_module(f"{__package__}.objectives.{entry.module}"), entry.name)
        dataset = Dataset(data, entry.grid(config, checkpoint), on_step, Working(faults=config.faults))
        return objective(dataset, config, checkpoint, device or torch.device("cpu"))

    return build
