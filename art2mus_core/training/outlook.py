"""What a training would be, from configurations and headers: sizes and what is stored already; no network is opened."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ..aligners.kinds import build_aligner
from ..checkpoints.folder import needed
from ..checkpoints.grid import read_grid
from ..checkpoints.names import is_encoder, locate
from ..conditioning.language import is_word_embedding
from ..datasets.reading import read_pairs
from ..encoders.files import check_image_encoder, image_sizes, image_space
from ..errors import DatasetError, SettingError
from ..pipelines.parts import Choice, open_parts
from .config import TrainingConfig
from .objective import sized

__all__ = ["Outlook", "Stored", "look", "part_folder"]

FROZEN = ("language_model", "unet")
"""Networks of a prior through which the loss of an aligner is computed."""


class Stored(NamedTuple):
    """Features on disk: their name, and their size in bytes."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Outlook:
    """What a training would be.

    Attributes:
        stage: its stage.
        steps: number of steps.
        batch: examples per step.
        pairs: numbers of pairs by split.
        weights: numbers of weights that would be `trained` and `frozen`; known for the stage aligner.
        features: what is in the dataset's folder of features.
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


def look(config: TrainingConfig, data: Path, checkpoint: Path) -> Outlook:
    """Look at a training without beginning it.

    Args:
        config: its configuration.
        data: the dataset.
        checkpoint: what :func:`part_folder` returns.

    Raises:
        DatasetError: no dataset, or one without training pairs.
        SettingError: sizes that do not fit the parts.
        CheckpointError: a part is missing or damaged.
    """
    splits = [pair.split for pair in read_pairs(data)]
    pairs = {split: splits.count(split) for split in ("train", "validation")}
    if not pairs["train"]:
        raise DatasetError(f"no training pairs in {data}", "some of the split train", "Correct the manifest.")
    weights = _weights(config, checkpoint) if config.stage == "aligner" else {}
    memory: dict[str, int] = {}  # the place of the memory estimate: bytes of a step by what takes them
    return Outlook(config.stage, config.steps, config.batch, pairs, weights, _stored(data), memory)


def _weights(config: TrainingConfig, checkpoint: Path) -> dict[str, int]:
    chosen = config.options.get("encoder")
    encoder = locate(chosen, is_encoder) if chosen else checkpoint
    found = {"space": image_space(encoder), "width": read_grid(checkpoint).language_width, **image_sizes(encoder)}
    with torch.device("meta"), sized(config.stage):
        aligner = build_aligner(config.model, found, f"{encoder.name} and {checkpoint.name}")
        if config.options.get("drop") and config.options.get("null", "learned") == "learned":
            aligner.add_null()
    frozen = needed(checkpoint, FROZEN, torch.float32, unused=is_word_embedding) // torch.float32.itemsize
    return {"trained": sum(each.numel() for each in aligner.parameters()), "frozen": frozen}


def _stored(data: Path) -> list[Stored]:
    folder = data / "features"
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    return [Stored(each.name, _bytes(each)) for each in entries if not each.name.startswith(".")]


def _bytes(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(each.stat().st_size for each in files if each.is_file())
