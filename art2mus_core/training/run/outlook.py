"""What a training would be, from configurations and headers: sizes and what is stored already; no network is opened."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ...aligners.kinds import kind_of
from ...checkpoints.folder import needed, read_config
from ...checkpoints.identity import component_digest
from ...checkpoints.names import is_encoder, locate
from ...conditioning.language import is_word_embedding
from ...encoders.efficientnet import KIND
from ...encoders.files import check_image_encoder, has_audio_encoder, image_component
from ...errors import DatasetError, SettingError
from ...pipelines.parts import Choice, open_parts
from ..config import TrainingConfig
from ..estimating import estimate
from ..features.dataset import Dataset
from ..features.latents import latent_part, sound_part
from ..features.looking import Pictures
from ..features.preparing import Request, expected_bytes
from ..features.windows import read_window
from ..objective import check_crop, read_options
from ..objectives.aligner_options import AlignerOptions, untrained
from ..objectives.sources import encoder_folder
from ..stages import OBJECTIVES

__all__ = ["Outlook", "Stored", "look", "part_folder"]

FROZEN = ("language_model", "unet")
"""Networks of a prior through which the loss of an aligner is computed."""

CPU = torch.device("cpu")


class Stored(NamedTuple):
    """Features that the training reads: their name, about how many bytes they take, and whether they are stored already."""

    name: str
    bytes: int
    there: bool


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
    dataset = Dataset(data, OBJECTIVES[config.stage].grid(config, checkpoint))
    pairs = {split: len(dataset.rows(split)) for split in ("train", "validation")}
    if not pairs["train"]:
        raise DatasetError(f"no training pairs in {data}", "some of the split train", "Correct the manifest.")
    weights: dict[str, int] = {}
    features: list[Stored] = []
    memory: dict[str, int] = {}
    if config.stage == "aligner":
        options = read_options(config, AlignerOptions)
        encoder = encoder_folder(checkpoint, options.encoder)
        weights = _weights(config, options, checkpoint, encoder, dataset.grid.language_width)
        request = _request(config, options, checkpoint, encoder)
        whole = dataset.frames(dataset.grid.latent_factor) // dataset.grid.latent_factor
        check_crop(options.crop, request.window.lengths(whole, dataset.grid), dataset)
        features = _features(dataset, request, options)
        step = estimate(config, checkpoint)
        memory = {**vars(step), "total": step.total}
    return Outlook(config.stage, config.steps, config.batch, pairs, weights, features, memory)


def _weights(
    config: TrainingConfig, options: AlignerOptions, checkpoint: Path, encoder: Path, width: int
) -> dict[str, int]:
    with torch.device("meta"):
        aligner = untrained(config, options, encoder, checkpoint, width)
    frozen = needed(checkpoint, FROZEN, torch.float32, unused=is_word_embedding) // torch.float32.itemsize
    return {"trained": sum(each.numel() for each in aligner.parameters()), "frozen": frozen}


def _request(config: TrainingConfig, options: AlignerOptions, checkpoint: Path, encoder: Path) -> Request:
    """What `art2mus prepare` would be asked for."""
    patches = "patch_dim" in kind_of(config.model).reads(config.model)
    views = options.views if options.source == "image" else 1
    window = read_window(options.window, options.level, options.crop)
    return Request(checkpoint, encoder, patches, views, window, options.support)


def _features(data: Dataset, request: Request, options: AlignerOptions) -> list[Stored]:
    """What is read of artworks and music, with its expected size."""
    sizes = expected_bytes(data, request, CPU)
    stores = {"latents": data.stored("music", latent_part(data, request.prior, CPU, request.window))}
    hearing = request.encoder if options.source == "audio" else request.prior
    if (options.source == "audio" or options.alignment) and has_audio_encoder(hearing):
        stores["music"] = data.stored("music", sound_part(data, hearing, CPU))
    if (options.source == "image" or options.gap != "none") and (
        request.patches or not _sees_characters(request.encoder)
    ):
        digest = component_digest(request.encoder, image_component(request.encoder))
        part = Pictures(request.encoder, digest, str(CPU), request.views, request.patches)
        stores |= dict.fromkeys(("artworks", *(("patches",) if request.patches else ())), data.stored("artworks", part))
    return [Stored(name, sizes.get(name, 0), store is not None) for name, store in stores.items()]


def _sees_characters(encoder: Path) -> bool:
    """Whether an encoder's embeddings follow from a picture's character, which needs no store of embeddings."""
    return image_component(encoder) != "." and read_config(encoder, "image_encoder").get("model_type") == KIND
