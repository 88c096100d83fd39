"""What a training would be, and whether it could begin: sizes, and what is stored already. No feature is computed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from ...checkpoints.names import is_encoder, locate
from ...encoders.files import check_image_encoder
from ...errors import SettingError
from ...pipelines.choice import Choice
from ...pipelines.parts import open_parts
from ..batches import seeded
from ..config import TrainingConfig
from ..estimating import estimate
from ..features.dataset import Dataset
from ..features.preparing import Stored, check_space, expected
from ..objective import check_shared, check_trainable
from ..objectives.start import checked_start
from ..processes import check_processes, precision_of
from ..stages import OBJECTIVES, open_stage

__all__ = ["Outlook", "look", "part_folder"]

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Outlook:
    """What a training would be.

    Attributes:
        stage: its stage.
        steps: number of steps.
        batch: examples per step.
        pairs: numbers of pairs by split.
        weights: numbers of weights that would be `trained` and `frozen`, for the stage aligner.
        features: what is read of artworks and music, for the stage aligner; embeddings that follow from the dataset's own table
            are not stored.
        memory: bytes of a step by what takes them.
    """

    stage: str
    steps: int
    batch: int
    pairs: dict[str, int]
    weights: dict[str, int]
    features: list[Stored]
    memory: dict[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        features = [each._asdict() for each in self.features]
        return {**asdict(self), "features": features, "epochs": self.steps * self.batch / max(1, self.pairs["train"])}


def part_folder(config: TrainingConfig, out: Path, prior: str | None) -> Path:
    """The checkpoint on which a configuration trains: the prior, if one is chosen, else the folder that gets the part.

    For the stage aligner the parts that it needs are checked, as far as their configurations and headers tell.

    Args:
        config: the configuration; its option `encoder` may name the image encoder.
        out: the folder.
        prior: name or folder of a model that stays as it is.

    Raises:
        SettingError: a prior for another stage, or an unknown prior or encoder.
        CheckpointError: a part is damaged.
    """
    if config.stage != "aligner":
        if prior:
            raise SettingError(
                f"a prior for the stage {config.stage}", "the stage aligner with --prior", "Use --out instead."
            )
        return out
    checkpoint = open_parts(Choice(prior)).folder if prior else out
    if chosen := config.options.get("encoder"):
        check_image_encoder(locate(chosen, is_encoder))
    return checkpoint


def look(
    config: TrainingConfig, data: Path, checkpoint: Path, *, device: torch.device = CPU, processes: int = 1
) -> Outlook:
    """Look at a training without beginning it. Of an aligner, whose parts may be large, configurations and headers are read alone.

    Args:
        config: its configuration.
        data: the dataset.
        checkpoint: what :func:`part_folder` returns.
        device: of the training.
        processes: number of processes that would share each batch.

    Raises:
        DatasetError: no dataset, or one without training pairs, or without what the stage learns.
        SettingError: sizes and options that fit neither each other nor the parts, the music, the device or the processes.
        CheckpointError: a part is missing or damaged.
        OutputError: the disk has no room for what is missing of the features.
    """
    check_processes(config, processes)
    precision_of(config, device)
    entry = OBJECTIVES[config.stage]
    dataset, compares = Dataset(data, entry.grid(config, checkpoint)), bool(entry.load(entry.name).compares)
    pairs = {split: len(dataset.rows(split)) for split in ("train", "validation")}
    check_trainable(dataset)
    weights: dict[str, int] = {}
    features: list[Stored] = []
    memory: dict[str, int] = {}
    if config.stage == "aligner":
        start = checked_start(dataset, config, checkpoint)
        compares = start.options.alignment is not None
        features = expected(dataset, start.features, CPU)
        check_space(dataset, features)
        step = estimate(config, checkpoint, device=device, processes=processes)
        weights = {name: getattr(step, name) // torch.float32.itemsize for name in ("trained", "frozen")}
        memory = {**vars(step), "total": step.total}
    else:
        with seeded(config.seed, CPU):
            open_stage(config, data, checkpoint)
    check_shared(config, processes, pairs["train"], compares=compares)
    return Outlook(config.stage, config.steps, config.batch, pairs, weights, features, memory)
