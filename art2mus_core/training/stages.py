"""The table of training stages: the objective of each, its options, and the source of its sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ..configuration import Fields, known_keys
from ..types import AudioGrid, OnStep
from .config import TrainingConfig
from .features.dataset import Dataset, Working
from .grids import checkpoint_grid, latent_grid, mel_grid
from .objective import Objective, read_options

__all__ = ["OBJECTIVES", "load_config", "open_stage", "stage_builder"]


class StageEntry(NamedTuple):
    """The module of a stage's objective, the names of its class and of its options, and the function that returns its grid."""

    module: str
    name: str
    options: str
    grid: Callable[[TrainingConfig, Path], AudioGrid]

    def load(self, name: str) -> Any:  # noqa: ANN401 - a class
        """A class of the module, which is imported on use."""
        return getattr(import_module(f"{__package__}.objectives.{self.module}"), name)


OBJECTIVES: dict[str, StageEntry] = {
    "embedding": StageEntry("embedding", "EmbeddingObjective", "EmbeddingOptions", mel_grid),
    "vae": StageEntry("vae", "VaeObjective", "VaeOptions", mel_grid),
    "vocoder": StageEntry("vocoder", "VocoderObjective", "VocoderOptions", mel_grid),
    "prior": StageEntry("prior", "PriorObjective", "PriorOptions", latent_grid),
    "aligner": StageEntry("aligner", "AlignerObjective", "AlignerOptions", checkpoint_grid),
    "student": StageEntry("student", "StudentObjective", "StudentOptions", checkpoint_grid),
    "codec": StageEntry("codec", "CodecObjective", "CodecOptions", mel_grid),
    "mel": StageEntry("mel", "MelObjective", "MelOptions", mel_grid),
    "hifigan": StageEntry("hifigan", "HifiGanObjective", "HifiGanOptions", mel_grid),
}


def load_config(name: str, overrides: dict[str, Any] | None = None, settings: Sequence[str] = ()) -> TrainingConfig:
    """Read a configuration as :meth:`TrainingConfig.load`, and check its options, too.

    Raises:
        SettingError: as there, or an option is missing, unknown or invalid.
    """
    config = TrainingConfig.load(name, overrides, settings, more=_options)
    entry = OBJECTIVES[config.stage]
    read_options(config, entry.load(entry.options))
    return config


def _options(content: dict[Any, Any]) -> list[str]:
    """The keys of the options of a content's stage."""
    entry = OBJECTIVES.get(str(content.get("stage")))
    kind: type[Fields] | None = entry and entry.load(entry.options)
    return known_keys(kind, "options.") if kind else []


def open_stage(
    config: TrainingConfig,
    data: Path,
    checkpoint: Path,
    on_step: OnStep | None = None,
    *,
    device: torch.device | None = None,
) -> Objective:
    """The objective of a stage for a dataset folder and a checkpoint folder, before its features are computed.

    Args:
        config: configuration of the stage.
        data: the dataset.
        checkpoint: the folder that gets the parts.
        on_step: called with each computed feature.
        device: of the networks that compute features; by default the CPU.

    Raises:
        SettingError: a configuration that fits neither its parts nor the dataset.
        DatasetError: no dataset, or one that lacks what the stage learns.
        CheckpointError: a part is missing or damaged.
    """
    entry = OBJECTIVES[config.stage]
    objective: type[Objective] = entry.load(entry.name)
    dataset = Dataset(data, entry.grid(config, checkpoint), on_step, Working(faults=config.faults))
    return objective(dataset, config, checkpoint, device or torch.device("cpu"))


def stage_builder(
    config: TrainingConfig,
    data: Path,
    checkpoint: Path,
    on_step: OnStep | None = None,
    *,
    device: torch.device | None = None,
) -> Callable[[], Objective]:
    """A function that opens a stage as :func:`open_stage` and computes the missing features of its dataset."""

    def build() -> Objective:
        objective = open_stage(config, data, checkpoint, on_step, device=device)
        objective.prepare()
        return objective

    return build
